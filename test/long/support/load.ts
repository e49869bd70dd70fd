// SPDX-License-Identifier: BSD-2-Clause
/** Work for a Debian that checks itself: each kind goes round until it is told to stop, counts, and says what is wrong. */
import type { DebianGuest } from './debian-guest.js';

const FOLDER = '/root/load';

/** A round each; what ends with an error is a failure. */
const ROUNDS: Readonly<Record<string, string>> = {
  fio: `fio --name=v --directory=${FOLDER} --size=8m --rw=randwrite --bs=4k --direct=1 --ioengine=libaio --iodepth=32 --verify=crc32c --verify_fatal=1 --verify_backlog=512`,
  dd: `dd if=/dev/urandom of=${FOLDER}/a bs=64k count=64 && dd if=${FOLDER}/a of=${FOLDER}/b bs=64k conv=fsync && echo 3 > /proc/sys/vm/drop_caches && cmp ${FOLDER}/a ${FOLDER}/b`,
  compile: `rm -rf ${FOLDER}/py && cp -r /usr/lib/python3.11/json ${FOLDER}/py && python3 -m compileall -q -f ${FOLDER}/py && python3 -B -c "import sys; sys.path.insert(0, \\"${FOLDER}\\"); import py"`,
  // Monotonic time neither goes back nor lets a sleep end early, whatever happened meanwhile.
  timers: 'python3 -c "import time; a = time.monotonic(); time.sleep(0.25); b = time.monotonic(); exit(b - a < 0.25)"',
};

export const KINDS = Object.keys(ROUNDS);

/** Starts all kinds, and more: shell commands by name, a round each. */
export async function startLoad(guest: DebianGuest, more: Readonly<Record<string, string>> = {}): Promise<void> {
  await guest.ask(`mkdir ${FOLDER}`);
  for (const [name, round] of Object.entries({ ...ROUNDS, ...more })) {
    const [log, count, failed] = ['log', 'count', 'failed'].map((end) => `${FOLDER}/${name}.${end}`);
    const loop = `while [ ! -e ${FOLDER}/stop ]; do ( ${round} ) > ${log} 2>&1 || cp ${log} ${failed}; echo >> ${count}; done`;
    await guest.ask(`sh -c '${loop}; touch ${FOLDER}/${name}.done' < /dev/null > /dev/null 2>&1 &`);
  }
}

/** Rounds that each kind has finished. */
export async function roundsOf(guest: DebianGuest, kinds: readonly string[] = KINDS): Promise<Map<string, number>> {
  const counts = await guest.ask(
    `for kind in ${kinds.join(' ')}; do cat ${FOLDER}/$kind.count 2>/dev/null | wc -l; done`,
  );
  return new Map(counts.split('\n').map((count, index) => [kinds[index] ?? '', Number(count)]));
}

/** Lets every kind finish its round; answers what went wrong. */
export async function stopLoad(guest: DebianGuest, kinds: readonly string[] = KINDS): Promise<string> {
  const done = kinds.map((kind) => `[ -e ${FOLDER}/${kind}.done ]`).join(' && ');
  await guest.ask(`touch ${FOLDER}/stop; until ${done}; do sleep 0.2; done`);
  const failures = await guest.ask(`tail -n 20 ${FOLDER}/*.failed 2>/dev/null`);
  return (
    failures +
    (await guest.ask("dmesg | grep -iE 'i/o error|ext4-fs (error|warning)|blocked for more|lockup|rcu.*stall'"))
  );
}
