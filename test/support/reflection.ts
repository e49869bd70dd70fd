// SPDX-License-Identifier: BSD-2-Clause

/** Own members of a device other than its declared state. */
export function injectedMembers(device: object): Map<string, unknown> {
  const names = Object.getOwnPropertyNames(device).filter((name) => !['id', 'shape', 'state'].includes(name));
  return new Map(names.map((name) => [name, Object.getOwnPropertyDescriptor(device, name)?.value]));
}

/** Why a member could hold state that no snapshot would see; undefined for a reference to a collaborator. */
export function hiddenState(value: unknown): string | undefined {
  if (typeof value === 'function') return undefined;
  if (typeof value !== 'object' || value === null) return `a plain ${value === null ? 'null' : typeof value}`;
  if (Object.isFrozen(value)) return undefined;
  if (Array.isArray(value)) return 'an array that is not frozen';
  if (ArrayBuffer.isView(value)) return 'a typed array';
  if (value instanceof Map || value instanceof Set) return 'a collection';
  return undefined;
}
