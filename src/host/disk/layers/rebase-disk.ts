// SPDX-License-Identifier: BSD-2-Clause
/** Files that were changed or moved on purpose: what they are now becomes what they have to be. */
import { existsSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { syncFolder } from '../../durable-files.js';
import { HostError, systemReason } from '../../host-error.js';
import { pointsOf } from './clean.js';
import { whileUnused } from './exclusive.js';
import { LayerFolder } from './folder.js';
import { type Head, layerName } from './head.js';
import { difference, IMAGE, identityOf } from './identity.js';
import { readPins, writePin } from './pins.js';
import { pointProblems } from './verify-point.js';

type Point = Head['strays'][number]['point'];
type Frozen = Head['chain'][number];

/** Answers the names of the files that were not what they had been. */
export function acceptChanges(path: string): string[] {
  const folder = new LayerFolder(path);
  if (!folder.exists()) return [];
  return whileUnused(folder, () =>
    folder.exclusively(() => {
      const accepted = new Set<string>();
      const now = (frozen: Frozen): Frozen => {
        const identity = identityNow(folder, frozen);
        if (difference(identity, frozen.identity) !== null) accepted.add(frozen.file);
        return { ...frozen, identity };
      };
      const nowAt = ({ base, layers }: Point): Point => ({ base: now(base), layers: layers.map(now) });
      // All of it is looked at before any of it is changed.
      const pins = readPins(folder).map((pin) => ({
        ...pin,
        point: nowAt({ base: pin.point.base, layers: [...pin.point.layers] }),
      }));
      const heads = folder.lines().flatMap((line) => {
        const head = folder.readHead(line);
        return head === null ? [] : [{ line, head: acceptedHead(head, now, nowAt) }];
      });
      for (const pin of pins) writePin(folder, pin, pin.point, pin.confirmed);
      for (const { line, head } of heads) folder.update(line, () => head);
      for (const file of accepted) rmSync(join(folder.root, `digest-${file}`), { force: true });
      return [...accepted];
    }),
  );
}

function acceptedHead(head: Head, now: (frozen: Frozen) => Frozen, nowAt: (point: Point) => Point): Head {
  const { owner, top, base, identity } = head;
  const written = top === null ? IMAGE : layerName(top);
  return {
    ...head,
    identity: identity === null ? null : now({ file: base, identity }).identity,
    chain: head.chain.map(now),
    strays: head.strays.map((stray) => ({ ...stray, point: nowAt(stray.point) })),
    owner: owner === null ? null : { ...owner, written: now({ file: written, identity: owner.written }).identity },
    known: null,
    committing: false,
  };
}

function identityNow(folder: LayerFolder, { file, identity }: Frozen): Frozen['identity'] {
  const found = statSync(folder.path(file), { bigint: true, throwIfNoEntry: false });
  if (found === undefined) throw folder.error(`${folder.path(file)} is not there: put it back`);
  const present = identityOf(found);
  if (present.bytes === identity.bytes) return present;
  throw folder.error(
    `${folder.path(file)} has ${present.bytes} bytes; only what has ${identity.bytes} fits its layers`,
  );
}

/** The image lies elsewhere now: what belongs to it follows. Without `accept` it has to be the same file. */
export function moveBase(path: string, target: string, accept: boolean): string[] {
  const old = `${resolve(path)}.tsbhyve`;
  if (!existsSync(old)) throw new HostError(`disk ${path}`, `${old} is not there: nothing belongs to it`);
  let image: string;
  try {
    image = realpathSync(target);
  } catch (cause) {
    throw new HostError(`disk ${target}`, `cannot open it: ${systemReason(cause)}`, { cause });
  }
  const root = `${image}.tsbhyve`;
  if (existsSync(root)) throw new HostError(`disk ${target}`, `it has layers of its own: ${root}`);
  try {
    renameSync(old, root);
    syncFolder(dirname(root));
    syncFolder(dirname(old));
  } catch (cause) {
    throw new HostError(`disk ${path}`, `${old} cannot be moved beside ${image}: ${systemReason(cause)}`, { cause });
  }
  if (accept) return acceptChanges(image);
  const folder = new LayerFolder(image);
  const points = folder.lines().flatMap((line) => {
    const head = folder.readHead(line);
    return head === null ? [] : pointsOf(head);
  });
  const [problem] = [...points, ...readPins(folder).map(({ point }) => point)].flatMap((point) =>
    pointProblems(folder, point),
  );
  if (problem === undefined) return [];
  renameSync(root, old);
  throw folder.error(`it is not the image that the layers were made for: ${problem}`);
}
