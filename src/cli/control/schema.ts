// SPDX-License-Identifier: BSD-2-Clause
/** The little of JSON Schema that the routes need, with a sentence for each member. */

export interface Schema {
  readonly type: 'object' | 'string' | 'integer' | 'number' | 'boolean' | 'array';
  readonly description?: string;
  readonly nullable?: boolean;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

export const text = (description: string, rest: Partial<Schema> = {}): Schema => ({
  type: 'string',
  description,
  ...rest,
});
export const flag = (description: string): Schema => ({ type: 'boolean', description });
export const count = (description: string): Schema => ({ type: 'integer', description });
/** A 64-bit number, of which JSON has only 53 bits. */
export const decimal = (description: string): Schema => text(`${description}, as decimal digits`);
export const listOf = (items: Schema, description: string): Schema => ({ type: 'array', description, items });
export const mapOf = (values: Schema, description: string): Schema => ({
  type: 'object',
  description,
  additionalProperties: values,
});
export const orNull = (schema: Schema): Schema => ({ ...schema, nullable: true });

/** All members, and no other; those in `optional` may be missing. */
export function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}
