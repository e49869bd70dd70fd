// SPDX-License-Identifier: BSD-2-Clause
/** What links and the balloon bring, as the machine's thread takes it: a run with them, and the same run from its recording. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionField } from '../../../devices/virtio/vsock-connection.js';
import type { CborMap } from '../../../src/core/cbor.js';
import { nullLogger } from '../../../src/core/log.js';
import { buildMachine } from '../../../src/machine/build.js';
import { FrameLinks } from '../../../src/machine/frame-links.js';
import type { Inputs } from '../../../src/machine/inputs/inputs.js';
import { RecordedInputs } from '../../../src/machine/inputs/recorded-inputs.js';
import { ReplayedInputs } from '../../../src/machine/inputs/replayed-inputs.js';
import { LinkedCards } from '../../../src/machine/linked-cards.js';
import type { Machine } from '../../../src/machine/machine.js';
import { NativeLinks } from '../../../src/machine/native-links.js';
import {
  COMMANDS,
  type CommandArguments,
  type CommandName,
  type CommandSubject,
} from '../../../src/machine/thread-messages.js';
import { ThreadSaves } from '../../../src/machine/thread-save.js';
import { recordOf, VsockLinks } from '../../../src/machine/vsock-links.js';
import { echoKernel } from '../../support/echo-kernel.js';

const [TAP, STREAM, VSOCK] = ['pci-0:4:0', 'pci-0:5:0', 'pci-0:6:0'] as const;
const PACKET = new Uint8Array(12 + 60);
const MIB = 1024 * 1024;

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-test-'));
  writeFileSync(join(folder, 'kernel'), echoKernel());
});
afterAll(() => rmSync(folder, { recursive: true }));

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.close();
});

function deviceOf({ parts }: Machine, name: string) {
  const found = parts.board.devices.find(({ id }) => id === name);
  if (found === undefined) throw new Error(`no device ${name}`);
  return found;
}

/** A machine whose links lead nowhere, with one connection between guest and host, and something that the guest says waiting. */
function build(): CommandSubject {
  const nowhere = { log: nullLogger, isRecorded: true, isReplay: true, waitsForAccept: true };
  const [cards, vsocks] = [new LinkedCards(), new VsockLinks(() => {})];
  const links = new FrameLinks(() => {}, cards, true);
  const natives = new NativeLinks(nowhere, cards);
  const machine = buildMachine(
    {
      memory: 2 * MIB,
      clock: { kind: 'virtual', numerator: 1, denominator: 3 },
      boot: { kernel: join(folder, 'kernel'), commandLine: '' },
      pci: [
        { slot: 4, fn: 0, kind: 'virtio-net', options: { tap: 'tap0' } },
        { slot: 5, fn: 0, kind: 'virtio-net', options: { stream: '/socket' } },
        { slot: 6, fn: 0, kind: 'virtio-vsock', options: { path: '/socket' } },
        { slot: 7, fn: 0, kind: 'virtio-balloon', options: {} },
      ],
    },
    {
      links: natives,
      hashExits: true,
      devices: {
        openStream: (...given) => links.open(...given),
        openVsock: (...given) => vsocks.open(...given),
        repeatsInputs: true,
      },
    },
  );
  machines.push(machine);
  machine.powerOn();
  const vsock = deviceOf(machine, VSOCK);
  const state = vsock.serialize();
  const virtio = state.fields.virtio as unknown as { fields: { queues: CborMap[] } }; // virtioShape
  const queues = [...virtio.fields.queues];
  queues[1] = { ...queues[1], pending: true };
  const waiting = { ...virtio, fields: { ...virtio.fields, queues } };
  const connections = [{ ...connectionField.initial(), host: 1, guest: 2, phase: 'open', bufAlloc: 4096 }];
  vsock.deserialize({ ...state, fields: { ...state.fields, connections, virtio: waiting } });
  return { machine, cards, vsocks, saves: new ThreadSaves(machine, null) };
}

type Ask = <N extends CommandName>(name: N, ...given: CommandArguments<N>) => unknown;

function carry(subject: CommandSubject, name: CommandName, given: readonly unknown[]): unknown {
  const command = COMMANDS[name] as (subject: CommandSubject, ...given: readonly unknown[]) => unknown; // typed in Ask
  return command(subject, ...given);
}

function record(path: string, work: (ask: Ask, machine: Machine) => void): Machine {
  const subject = build();
  const { machine } = subject;
  const inputs = new RecordedInputs(machine, nullLogger, path);
  work((name, ...given) => inputs.take(name, given, () => carry(subject, name, given)), machine);
  return runOut(machine, inputs);
}

function replay(path: string): Machine {
  const subject = build();
  const inputs = new ReplayedInputs(subject.machine, nullLogger, path, (name, given) => carry(subject, name, given));
  subject.machine.resume();
  return runOut(subject.machine, inputs);
}

function runOut(machine: Machine, inputs: Inputs): Machine {
  while (machine.state === 'running') inputs.runSlice();
  inputs.end();
  return machine;
}

const evidence = (machine: Machine) => ({
  instructions: machine.instructions,
  time: machine.time,
  exits: machine.parts.hash?.digest(),
  devices: machine.parts.board.devices.map((device) => device.serialize()),
});

const newFile = (): string => join(folder, `inputs-${count++}`);
const said = (text: string) => recordOf({ op: 'data', host: 1, guest: 2, bytes: new TextEncoder().encode(text) });
const switchOff = (ask: Ask): void => void ask('type', 'com1', Uint8Array.of(0x71));

test('what links and the balloon bring comes at the same instants', () => {
  const path = newFile();
  const recorded = record(path, (ask, machine) => {
    ask('hearVsock', VSOCK, said('before, '));
    ask('resume');
    machine.runSlice(2_000n);
    ask('receivePackets', TAP, [PACKET, PACKET]);
    ask('linkDown', TAP);
    expect(ask('setBalloon', BigInt(MIB))).toBeNull();
    machine.runSlice(5_000n);
    // The first one counts from its own instant on, not from that of what came right behind it.
    ask('hearVsock', VSOCK, said('one, '));
    ask('hearVsock', VSOCK, said('two'));
    switchOff(ask);
  });
  expect(deviceOf(recorded, TAP).serialize().fields).toMatchObject({ lostIn: 2n, linkUp: false });
  expect(deviceOf(recorded, 'pci-0:7:0').serialize().fields).toMatchObject({ target: MIB / 4096 });
  expect(deviceOf(recorded, VSOCK).serialize().fields).toMatchObject({
    connections: [{ waiting: new TextEncoder().encode('before, one, two') }],
    virtio: { fields: { workAt: expect.any(BigInt) } },
  });
  expect(evidence(replay(path))).toEqual(evidence(recorded));
});

test('what comes to a machine that stands still waits for its next instruction, or is lost, in a replay too', () => {
  const path = newFile();
  const recorded = record(path, (ask, machine) => {
    ask('resume');
    machine.runSlice(2_000n);
    ask('receiveFrames', STREAM, [PACKET]);
    ask('pause');
    ask('receiveFrames', STREAM, [PACKET]);
    ask('hearVsock', VSOCK, said('held'));
    expect(deviceOf(machine, VSOCK).serialize().fields).toMatchObject({ connections: [{ waiting: new Uint8Array() }] });
    ask('resume');
    switchOff(ask);
  });
  expect(deviceOf(recorded, STREAM).serialize().fields).toMatchObject({ lostIn: 1n });
  expect(deviceOf(recorded, VSOCK).serialize().fields).toMatchObject({
    connections: [{ waiting: new TextEncoder().encode('held') }],
    virtio: { fields: { workAt: expect.any(BigInt) } },
  });
  expect(evidence(replay(path))).toEqual(evidence(recorded));
});

test('a guest that had to wait until it was heard goes on at the same instant', () => {
  const path = newFile();
  const recorded = record(path, (ask, machine) => {
    ask('resume');
    const fields = () => deviceOf(machine, VSOCK).serialize().fields;
    // Nobody in the guest is there to hear it, so the host is told a thousand times.
    for (let host = 0; host < 1024; host += 1) ask('hearVsock', VSOCK, recordOf({ op: 'request', host, guest: 3 }));
    expect(fields()).toMatchObject({ virtio: { fields: { workAt: null } } });
    ask('vsockHeard', VSOCK, 256);
    expect(fields()).toMatchObject({ virtio: { fields: { workAt: expect.any(BigInt) } } });
    switchOff(ask);
  });
  expect(evidence(replay(path))).toEqual(evidence(recorded));
});

test('what the machine refuses is not in its recording', () => {
  const path = newFile();
  const recorded = record(path, (ask) => {
    expect(() => ask('pressPowerButton')).toThrow('cannot press the power button');
    ask('resume');
    switchOff(ask);
  });
  expect(evidence(replay(path))).toEqual(evidence(recorded));
});
