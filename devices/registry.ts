// SPDX-License-Identifier: BSD-2-Clause
/** The state of every kind of device, taken from an example of each. The examples are wired to nothing. */
import { ManualClock } from '../src/core/clock.js';
import type { AnyDevice } from '../src/core/device.js';
import { GuestMemory } from '../src/core/guest-memory.js';
import { nullLine } from '../src/core/irq-line.js';
import { nullLogger } from '../src/core/log.js';
import { MemoryBus } from '../src/core/memory-bus.js';
import { PortBus } from '../src/core/port-bus.js';
import type { AnyShape } from '../src/core/state-shape.js';
import { Gpe } from './acpi/gpe.js';
import { Hpet } from './acpi/hpet.js';
import { PmTimer } from './acpi/pm-timer.js';
import { Pm1 } from './acpi/pm1.js';
import { VmGeneration } from './acpi/vm-generation.js';
import { ConsoleInput } from './console/console-input.js';
import { FwCfg } from './firmware/fw-cfg.js';
import { DebugExit } from './isa/debug-exit.js';
import { I8042 } from './isa/i8042.js';
import { IoApic } from './isa/ioapic.js';
import { KernelChipset } from './isa/kernel-chipset.js';
import { Nmisc } from './isa/nmisc.js';
import { PcTestdev } from './isa/pc-testdev.js';
import { Pic8259 } from './isa/pic8259.js';
import { Pit8254 } from './isa/pit8254.js';
import { Port92 } from './isa/port92.js';
import { PostPort } from './isa/post-port.js';
import { Ps2Keyboard } from './isa/ps2-keyboard.js';
import { ResetControl } from './isa/reset-control.js';
import { RtcMc146818 } from './isa/rtc-mc146818.js';
import { Uart16550 } from './isa/uart16550.js';
import { BarDecoder } from './pci/bars.js';
import { HostBridge } from './pci/host-bridge.js';
import { LpcBridge } from './pci/lpc-bridge.js';
import { msiShape } from './pci/msi.js';
import { msixShape } from './pci/msix.js';
import { PciRootBus } from './pci/root-bus.js';
import { virtioBalloon } from './virtio/balloon.js';
import { virtioBlock } from './virtio/block.js';
import { virtioConsole } from './virtio/console.js';
import { virtioNet } from './virtio/net.js';
import { virtioNinep } from './virtio/ninep.js';
import { virtioRng } from './virtio/rng.js';
import { VirtioPci } from './virtio/transport-pci.js';
import { virtioShape } from './virtio/virtio-state.js';
import { virtioVsock } from './virtio/vsock.js';

const nothing = (): void => {};
const lines = (count: number) => Array.from({ length: count }, () => nullLine);

function examples(): AnyDevice[] {
  const clock = new ManualClock();
  const msi = { send: nothing };
  const keyboard = new Ps2Keyboard('keyboard', { onData: nothing, onSpace: nothing });
  const pit = new Pit8254('pit', clock, nullLine);
  const resetControl = new ResetControl('reset-control', nothing);
  const decoder = new BarDecoder(new PortBus(), new MemoryBus(), nullLogger);
  const place = { address: 0, decoder, intx: nullLine };
  const virtio = { memory: new GuestMemory([]), clock, msi, log: nullLogger };
  const both = { interfaces: 'transitional', packed: false, msix: true } as const;
  const backend = {
    capacity: 512,
    readOnly: false,
    logicalBlock: 512,
    physicalBlock: 512,
    canDiscard: false,
    identity: '',
    submit: nothing,
    wait: nothing,
    close: nothing,
  };
  const cable = {
    isLive: false,
    offloads: { checksum: true, segmentation: true, udpSegmentation: true },
    attach: nothing,
    send: () => true,
    guestTakes: nothing,
    roomAgain: nothing,
    close: nothing,
  };
  const sockets = { isLive: false, isCrowded: false, attach: nothing, send: nothing, close: nothing };
  const modern = { ...both, interfaces: 'modern' } as const;
  const balloon = { target: 0, deflateOnOom: false, reporting: true };
  const folder = {
    stat: () => -1,
    statFile: () => -1,
    open: () => -1,
    create: () => -1,
    closeFile: nothing,
    read: () => -1,
    write: () => -1,
    sync: () => -1,
    list: () => -1,
    makeFolder: () => -1,
    symlink: () => -1,
    link: () => -1,
    rename: () => -1,
    remove: () => -1,
    readLink: () => -1,
    setMode: () => -1,
    setOwner: () => -1,
    setTimes: () => -1,
    setSize: () => -1,
    setFileSize: () => -1,
    space: () => -1,
    close: nothing,
  };
  const share = virtioNinep({ backend: folder, tag: 'share', readOnly: true, isRepeatable: true });
  const ports = { console: { write: nothing }, named: [{ name: 'port', output: { write: nothing } }] };
  const card = { backend: cable, mac: new Uint8Array(6), mtu: null, pairs: 1, place: 0 };
  return [
    new Gpe('gpe', nullLine),
    new Hpet('hpet', clock, { pins: lines(8), msi }),
    new Pm1('pm1', nullLine, nothing),
    new PmTimer('pm-timer', clock),
    new VmGeneration('vm-generation', {
      memory: { write: nothing },
      address: 0,
      guid: new Uint8Array(16),
      onRenewed: nothing,
    }),
    new ConsoleInput('console-input', { receive: () => false, clock, script: [] }),
    new FwCfg('fw-cfg', { cpus: 1, maxCpus: 1, files: [] }),
    new DebugExit('debug-exit', nothing),
    new I8042('i8042', { keyboard, irq: nullLine, a20: nullLine, onReset: nothing }),
    new IoApic('ioapic', msi),
    new KernelChipset('kernel-chipset', {
      setPicInput: nothing,
      setIoapicInput: nothing,
      setRtc: nothing,
      getRtc: () => 0n,
      refusal: () => '',
      version: () => 0,
      save: () => new Uint8Array(0),
      load: nothing,
    }),
    new Nmisc('nmisc', clock, pit),
    new PcTestdev('pc-testdev', lines(24)),
    new Pic8259('pic', nullLine),
    pit,
    new Port92('port92', { onReset: nothing, a20: nullLine }),
    new PostPort('post'),
    keyboard,
    resetControl,
    new RtcMc146818('rtc', clock, nullLine, { powerOnTime: 0n }),
    new Uart16550('uart', { irq: nullLine, output: { write: nothing }, clock, onSpace: nothing }),
    new HostBridge('host-bridge', place),
    new LpcBridge('lpc-bridge', place, { pic: lines(16), ioapic: lines(8) }),
    new PciRootBus('pci', resetControl.ports()),
    new VirtioPci('virtio-console', place, virtioConsole(ports), virtio, both),
    new VirtioPci('virtio-rnd', place, virtioRng({ source: null, seed: new Uint8Array(32) }), virtio, both),
    new VirtioPci('virtio-blk', place, virtioBlock({ backend, serial: '', queues: 1, latency: null }), virtio, both),
    new VirtioPci('virtio-balloon', place, virtioBalloon(balloon), virtio, both),
    new VirtioPci('virtio-vsock', place, virtioVsock({ backend: sockets, cid: 3n }), virtio, modern),
    new VirtioPci('virtio-9p', place, share, virtio, both),
    new VirtioPci('virtio-net', place, virtioNet(card), virtio, both),
  ];
}

export const shapes: readonly AnyShape[] = examples().map((device) => device.shape);

/** Parts of the shapes above that have versions of their own. */
export const nestedShapes: readonly AnyShape[] = [msiShape, msixShape(2), virtioShape([64])];
