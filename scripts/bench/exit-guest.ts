// SPDX-License-Identifier: BSD-2-Clause
/**
 * Real-mode guests that leave for the device model over and over, one way each, and print a dot after every batch. Real
 * mode, because every /dev/kvm runs that much of it.
 */
import {
  lapicIndex,
  REGISTER_COUNT,
  RegisterGroup,
  type RegisterName,
  registerIndex,
} from '../../src/hypervisor/registers.js';
import type { MachineConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';

/** A doorbell is noted while the vCPU goes on where an engine has threads for its vCPUs: with two of them. */
export const EXIT_CLASSES = ['PIO', 'MMIO', 'doorbell', 'noted doorbell', 'MSI'] as const;
export type ExitClass = (typeof EXIT_CLASSES)[number];

export const BATCH = 500;
const CONFIG: Partial<MachineConfig> = {
  memory: 2 * 1024 * 1024,
  pci: [{ slot: 3, fn: 0, kind: 'virtio-rnd', options: {} }],
};

export function configFor(kind: ExitClass): Partial<MachineConfig> {
  return kind === 'noted doorbell' ? { ...CONFIG, cpus: 2 } : CONFIG;
}

const CODE = 0x1000;
const HANDLER = 0x2000;
const STACK = 0x8000;
const POST_PORT = 0x80;
const COM1 = 0x3f8;
/** No device has it: what is written there comes back as an interrupt. */
const MSI_PORT = 0x99;
const VECTOR = 0x40;
const MSI_ADDRESS = 0xfee0_0000;
const HPET_BASE = 0xfed0_0000;
/** PCI 3.0 6.1; VIRTIO 1.2 4.1.4.8: the legacy interface. */
const [PCI_COMMAND, PCI_BAR0, PCI_BAR4] = [0x04, 0x10, 0x20];
const [QUEUE_ADDRESS, QUEUE_SELECT, NOTIFY, STATUS] = [8, 14, 16, 18];
const DRIVEN = 1 | 2 | 4;
const RING_PAGE = 0x100;
/** Below 4 GiB, where segments of real mode reach it; and the doorbells within it. */
const MODERN_INTERFACE = 0xd000_0000;
const DOORBELLS = 0x3000;

const word = (value: number): number[] => [value & 0xff, value >> 8];

/** Puts the guest into a machine that was built with `configFor(kind)`. */
export function loadExitGuest(machine: Machine, kind: ExitClass): void {
  machine.powerOn();
  const { engine, board } = machine.parts;
  board.ports.register('bench', MSI_PORT, 1, {
    read: () => 0,
    write: () => engine.sendMsi(MSI_ADDRESS, VECTOR),
  });
  const access: Readonly<Record<ExitClass, () => readonly number[]>> = {
    PIO: () => [0xe4, POST_PORT], // in al, POST_PORT
    MMIO: () => [0x66, 0x26, 0xa1, ...word(0x10)], // mov eax, es:[10]: the HPET's configuration
    doorbell: () => [0xba, ...word(doorbellPort(machine)), 0x31, 0xc0, 0xef], // mov dx, port; xor ax, ax; out dx, ax
    'noted doorbell': () => {
      doorbellPort(machine);
      return [0x31, 0xc0, 0x64, 0xa3, ...word(0)]; // xor ax, ax; mov fs:[0], ax
    },
    MSI: () => [0xfa, 0xe6, MSI_PORT, 0xfb, 0xf4], // cli; out MSI_PORT, al; sti; hlt
  };
  const inner = [...access[kind](), 0x49]; // ...; dec cx
  const dot = [0xba, ...word(COM1), 0xb0, 0x2e, 0xee]; // mov dx, COM1; mov al, '.'; out dx, al
  const body = [0xb9, ...word(BATCH), ...inner, 0x75, -(inner.length + 2) & 0xff, ...dot]; // mov cx, BATCH; ...; jnz
  engine.memory.write(CODE, Uint8Array.from([...body, 0xeb, -(body.length + 2) & 0xff]));
  engine.memory.write(HANDLER, Uint8Array.from([0x66, 0x65, 0xc7, 0x06, ...word(0xb0), 0, 0, 0, 0, 0xcf])); // EOI; iret
  engine.memory.writeU32(4 * VECTOR, HANDLER);
  enter(machine);
}

/** A device that is driven, but has nothing to do. */
function doorbellPort(machine: Machine): number {
  const { board } = machine.parts;
  const device = board.pci.find(({ id }) => id === 'pci-0:3:0');
  if (device === undefined) throw new Error('the guest has no device in slot 3');
  device.writeConfig(PCI_BAR4, 4, MODERN_INTERFACE);
  device.writeConfig(PCI_BAR4 + 4, 4, 0);
  device.writeConfig(PCI_COMMAND, 2, 0x7);
  const port = device.readConfig(PCI_BAR0, 4) & ~3;
  board.ports.write(port + STATUS, 1, 1 | 2);
  board.ports.write(port + QUEUE_SELECT, 2, 0);
  board.ports.write(port + QUEUE_ADDRESS, 4, RING_PAGE);
  board.ports.write(port + STATUS, 1, DRIVEN);
  return port + NOTIFY;
}

/** Segments whose bases no selector of real mode reaches lead to the HPET, the doorbells and the local APIC. */
function enter({ parts: { engine } }: Machine): void {
  const { vcpu } = engine;
  const values = new BigUint64Array(REGISTER_COUNT);
  vcpu.getRegisters(RegisterGroup.All, values);
  const set = (name: RegisterName, value: number): void => {
    values[registerIndex(name)] = BigInt(value);
  };
  set('cs_selector', 0);
  set('cs_base', 0);
  set('rip', CODE);
  set('rsp', STACK);
  set('es_base', HPET_BASE);
  set('fs_base', MODERN_INTERFACE + DOORBELLS);
  set('gs_base', MSI_ADDRESS);
  vcpu.setRegisters(RegisterGroup.All, values);
  const rows = vcpu.getLapic();
  rows[lapicIndex('spurious')] = 0x1ffn;
  vcpu.setLapic(rows);
}
