// SPDX-License-Identifier: BSD-2-Clause
import { decode, encode } from '../../src/core/cbor.js';
import { FakeEngine } from '../../src/hypervisor/fake.js';
import type { Engine, EngineOptions } from '../../src/hypervisor/hypervisor.js';
import { REGISTER_COUNT, RegisterGroup, registerIndex } from '../../src/hypervisor/registers.js';
import { applyVcpu, captureVcpu, vcpuShape } from '../../src/hypervisor/vcpu-state.js';

const OPTIONS: EngineOptions = {
  memory: [],
  clock: { kind: 'virtual', numerator: 1, denominator: 1 },
  tscHz: 1_000_000_000n,
  physicalAddressBits: 40,
  cpuid: new Uint32Array(0),
};

function fake(): FakeEngine {
  return new FakeEngine(OPTIONS, function* () {
    yield { do: 'hlt' };
  });
}

/** An engine whose every part of state differs from a fresh one. */
function driven(): FakeEngine {
  const engine = fake();
  const values = BigUint64Array.from({ length: REGISTER_COUNT }, (_, index) => 2n ** 63n + BigInt(index));
  engine.vcpu.setRegisters(RegisterGroup.All, values);
  engine.vcpu.setMsrs(BigUint64Array.of(0x10n, 12_345n, 0xc000_0080n, 0xd01n));
  engine.vcpu.setXsave(Uint8Array.from({ length: 576 }, (_, index) => index));
  engine.vcpu.setLapic(engine.vcpu.getLapic().map((_, index) => BigInt(index) + 1n));
  engine.setTime(987_654_321n);
  return engine;
}

test('every part goes out and in again', () => {
  const saved = encode(vcpuShape.save(captureVcpu(driven())));
  const other = fake();
  applyVcpu(other, vcpuShape.load(decode(saved)));
  expect(encode(vcpuShape.save(captureVcpu(other)))).toEqual(saved);
  const values = new BigUint64Array(REGISTER_COUNT);
  other.vcpu.getRegisters(RegisterGroup.All, values);
  expect(values[registerIndex('rdx')]).toBe(2n ** 63n + 2n);
  expect(other.getTime()).toBe(987_654_321n);
});

test('time comes first, the TSC last of the MSRs, the private section at the end', () => {
  const calls: string[] = [];
  const state = captureVcpu(driven());
  applyVcpu(recording(fake(), calls), state);
  expect(calls).toEqual(['setTime', 'setRegisters', 'setMsrs 0xc0000080,0x10', 'setXsave', 'setLapic', 'setPrivate']);
});

test('another engine drops the private section', () => {
  const calls: string[] = [];
  applyVcpu(recording(fake(), calls), { ...captureVcpu(driven()), engine: 'soft' });
  expect(calls).not.toContain('setPrivate');
});

test('what kvm was delivering is not dropped in silence', () => {
  const state = { ...captureVcpu(driven()), engine: 'kvm' as const };
  expect(() => applyVcpu(fake(), { ...state, private: Uint8Array.of(1) })).toThrow(
    'vcpu.private: an interrupt on its way to its handler, which only engine kvm can deliver',
  );
  expect(() => applyVcpu(fake(), { ...state, private: new Uint8Array() })).not.toThrow();
});

test('an engine nobody knows cannot be saved', () => {
  const engine = fake();
  const stranger: Engine = { ...plain(engine), capabilities: { ...engine.capabilities, engine: 'abacus' } };
  expect(() => captureVcpu(stranger)).toThrow('engine abacus: expected soft, kvm, vmm, fake');
});

function plain(engine: FakeEngine): Engine {
  return {
    id: engine.id,
    capabilities: engine.capabilities,
    memory: engine.memory,
    vcpus: engine.vcpus,
    vcpu: engine.vcpu,
    exited: engine.exited,
    chipset: engine.chipset,
    run: () => engine.run(),
    safepoint: () => engine.safepoint(),
    reset: () => engine.reset(),
    nextDeadline: () => engine.nextDeadline(),
    getShared: () => engine.getShared(),
    setShared: (bytes) => engine.setShared(bytes),
    dropCaches: () => engine.dropCaches(),
    restTranslator: () => engine.restTranslator(),
    getTime: () => engine.getTime(),
    setTime: (time) => engine.setTime(time),
    holdTime: (held) => engine.holdTime(held),
    sendMsi: (address, data) => engine.sendMsi(address, data),
    setExternalInterrupt: (level) => engine.setExternalInterrupt(level),
    openDirtyLog: () => engine.openDirtyLog(),
    closeDirtyLog: (client) => engine.closeDirtyLog(client),
    takeDirtyLog: (client, bitmap) => engine.takeDirtyLog(client, bitmap),
    ram: null,
    events: null,
    doorbells: null,
    disks: null,
    openLink: null,
    close: () => engine.close(),
  };
}

/** Notes in which order state is put in. */
function recording(engine: FakeEngine, calls: string[]): Engine {
  const { vcpu } = engine;
  const numbers = (pairs: BigUint64Array) => Array.from(pairs.filter((_, index) => index % 2 === 0));
  const noted = new Proxy(vcpu, {
    get(target, name) {
      if (typeof name !== 'string' || !name.startsWith('set')) return Reflect.get(target, name, target);
      return (...given: unknown[]) => {
        const [first] = given;
        const detail =
          name === 'setMsrs' && first instanceof BigUint64Array ? ` ${numbers(first).map(hex).join(',')}` : '';
        calls.push(`${name}${detail}`);
      };
    },
  });
  return { ...plain(engine), vcpu: noted, vcpus: [noted], setTime: () => calls.push('setTime') };
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
