// SPDX-License-Identifier: BSD-2-Clause
/** The options and what each does to the configuration tree: bhyve's letters with bhyve's meanings, then our own words. */
import { loadConfigFile, setVariable } from './config-file.js';
import type { ConfigTree } from './config-tree.js';
import { setLpcDevice } from './lpc-devices.js';
import { setPciDevice } from './pci-devices.js';
import { setTopology } from './topology.js';

export interface OptionRow {
  readonly flags: string;
  readonly about: string;
  readonly apply: (tree: ConfigTree, value: string) => void;
}

/** An option that sets one variable, to its argument or to a fixed value. */
function sets(name: string, fixed?: string): OptionRow['apply'] {
  return (tree, value) => tree.set(name, fixed ?? value);
}

export const OPTIONS: readonly OptionRow[] = [
  { flags: '-a', about: 'local APIC in xAPIC mode; the default', apply: sets('x86.x2apic', 'false') },
  { flags: '-A', about: 'no effect: ACPI tables are always there', apply: () => {} },
  { flags: '-c <cpus>', about: 'number of vCPUs: [cpus=]n[,sockets=n][,cores=n][,threads=n]', apply: setTopology },
  {
    flags: '-D',
    about: 'destroy the VM on power-off, as tsbhyve always does',
    apply: sets('destroy_on_poweroff', 'true'),
  },
  {
    flags: '-e',
    about: 'stop when the guest uses an I/O port that nothing answers',
    apply: sets('x86.strictio', 'true'),
  },
  {
    flags: '-H',
    about: 'leave the host CPU while the guest halts; always so',
    apply: sets('x86.vmexit_on_hlt', 'true'),
  },
  { flags: '-I', about: 'no effect: the IOAPIC is always there', apply: () => {} },
  { flags: '-k <file>', about: 'read settings, name=value lines, from a file', apply: loadConfigFile },
  { flags: '-l <device>', about: 'LPC device[,back end]; help lists them', apply: setLpcDevice },
  { flags: '-m <size>', about: 'guest memory, such as 512M or 2G (256M)', apply: sets('memory.size') },
  {
    flags: '-o <setting>',
    about: 'set a variable: name=value',
    apply: (tree, value) => setVariable(tree, `-o ${value}`, value),
  },
  { flags: '-P', about: 'leave the guest on PAUSE; no effect', apply: sets('x86.vmexit_on_pause', 'true') },
  { flags: '-s <slot>', about: 'PCI device: [bus:]slot[:func],device[,options]; help lists them', apply: setPciDevice },
  { flags: '-U <uuid>', about: 'UUID of the machine (made from its name)', apply: sets('uuid') },
  {
    flags: '-u',
    about: 'the real-time clock shows UTC instead of local time',
    apply: sets('rtc.use_localtime', 'false'),
  },
  { flags: '-W', about: 'virtio devices with MSI instead of MSI-X', apply: sets('virtio_msix', 'false') },
  {
    flags: '-w',
    about: 'ignore accesses to unknown MSRs instead of raising #GP',
    apply: sets('x86.strictmsr', 'false'),
  },
  {
    flags: '-x',
    about: 'the guest may switch its local APIC to x2APIC mode; always so',
    apply: sets('x86.x2apic', 'true'),
  },
  { flags: '-Y', about: 'no MP table', apply: sets('x86.mptable', 'false') },
  {
    flags: '--kernel <file>',
    about: 'Linux bzImage or vmlinux, PVH or Multiboot kernel to boot',
    apply: sets('boot.kernel'),
  },
  { flags: '--initrd <file>', about: 'initial RAM disk, or the first module', apply: sets('boot.initrd') },
  {
    flags: '--unpack <who>',
    about: 'who unpacks the kernel of a bzImage: host or guest (host)',
    apply: sets('boot.unpack'),
  },
  { flags: '--append <text>', about: 'kernel command line', apply: sets('boot.append') },
  {
    flags: '--engine <name>',
    about: "soft, kvm, vmm, or auto: the kernel's where it runs natively (soft); help tells what this host has",
    apply: sets('engine'),
  },
  {
    flags: '--clock <clock>',
    about: 'real, or virtual[,num/den]: nanoseconds an instruction takes (real)',
    apply: sets('clock'),
  },
  {
    flags: '--translator <mode>',
    about: 'on, off, or lockstep, which compares both: soft runs hot code of the guest as host code (on)',
    apply: sets('translator'),
  },
  {
    flags: '--perf-map',
    about: 'write /tmp/perf-PID.map, in which perf finds names for translated code',
    apply: sets('perf_map', 'true'),
  },
  { flags: '--cpu <model>', about: 'CPU model the guest sees (tsb-1)', apply: sets('cpu.model') },
  {
    flags: '-r <snapshot>',
    about: 'go on from a snapshot: its name in the store, or its folder',
    apply: sets('snapshot.resume'),
  },
  {
    flags: '--continue',
    about: 'go on from the VM’s newest suspend in the store; boot if there is none',
    apply: sets('snapshot.continue', 'true'),
  },
  {
    flags: '--store <folder>',
    about: 'where snapshots are (/var/lib/tsbhyve, or ~/.local/share/tsbhyve)',
    apply: sets('snapshot.store'),
  },
  {
    flags: '--keep',
    about: 'with -r: make a snapshot of a suspend, which otherwise is spent once the VM runs',
    apply: sets('snapshot.keep', 'true'),
  },
  {
    flags: '--on-sigterm <what>',
    about: 'poweroff or suspend, and after a comma how many seconds that may take (poweroff)',
    apply: sets('on_sigterm'),
  },
  {
    flags: '--clone',
    about: 'with -r: one more VM from there, with a name, a UUID and a generation id of its own',
    apply: sets('snapshot.clone', 'true'),
  },
  {
    flags: '--identity <which>',
    about: 'with -r: keep the VM generation id, or a new one (keep only for a suspend that is used up)',
    apply: sets('snapshot.identity'),
  },
  {
    flags: '--mac <which>',
    about: 'with -r: network cards keep their addresses, or new ones (new with --clone, else keep)',
    apply: sets('snapshot.mac'),
  },
  {
    flags: '--verify',
    about: 'with -r: read everything back and compare before the guest runs',
    apply: sets('snapshot.verify', 'true'),
  },
  {
    flags: '--guest-clock <how>',
    about: 'whether a resume moves the real-time clock: advance or freeze (freeze under the virtual clock)',
    apply: sets('guest.clock'),
  },
  {
    flags: '--record <file>',
    about: 'write every input and its instant to a new file; needs --clock virtual',
    apply: sets('inputs.record'),
  },
  {
    flags: '--replay <file>',
    about: 'take inputs from a recording, with the settings of that run, and stop where it stopped',
    apply: sets('inputs.replay'),
  },
  { flags: '--name <name>', about: 'name of the VM, if it is not the last word (vm)', apply: sets('name') },
  {
    flags: '--sandbox <switch>',
    about: 'on or off: keep the running VM to the files, sockets and system calls that it needs (on)',
    apply: sets('sandbox'),
  },
  { flags: '--log <level>', about: 'debug, info, warn or error (warn)', apply: sets('log.level') },
];
