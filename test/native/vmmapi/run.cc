// SPDX-License-Identifier: BSD-2-Clause
// vm_run(): the kernel's own devices are served inside it, and the rest comes out.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "soft/decode/instruction.h"
#include "soft/events.h"
#include "vmctx.h"

using namespace imitation;
using tsbhyve::ExitKind;
using tsbhyve::Register;
using tsbhyve::RegisterGroup;

namespace {

/// Entries that end for no reason now and then, as those of vmm.ko do when the thread has to yield.
constexpr unsigned bogus_every = 61;
/// Stays inside the interpreter, so that the chips' time goes on.
constexpr std::int64_t longest_stay = 1'000'000;

/// Of a redirection entry; a change of any other makes the kernel ask all vCPUs in.
constexpr u64 without_meeting = 1 << 16 | 1 << 14 | 1 << 13 | 1 << 12;

class Entry {
 public:
  Entry(vcpu* processor, struct vm_run* request)
      : processor_(processor), vm_(processor->vm), request_(*request), exit_(*request->vm_exit) {
    std::memset(static_cast<void*>(&exit_), 0, sizeof exit_);
  }

  /// What has become of the last exit's instruction.
  void begin();
  void run();

 private:
  bool look_around();
  bool serve(ExitKind kind);
  void take_starts();
  bool leave_start();
  bool access(ExitKind kind);
  bool memory(bool write);
  void halted();
  tsbhyve::ExitSlot& slot() { return processor_->core().slot; }
  void leave(vm_exitcode code) {
    exit_.exitcode = code;
    exit_.rip = registers(processor_)[row(Register::rip)];
  }
  void leave_debug();
  void step_over();
  bool leave_port();
  bool leave_memory();
  bool leave_msr(bool write);
  void leave_ended();

  vcpu* processor_;
  vmctx* vm_;
  struct vm_run& request_;
  struct vm_exit& exit_;
};

void Entry::begin() {
  if (processor_->awaits_msr) {
    processor_->awaits_msr = false;
    if (processor_->msr_refused) {  // the interpreter raises #GP(0) there
      processor_->msr_refused = false;
      processor_->next_rip.reset();
      slot().refused = 1;
      return;
    }
  }
  if (!processor_->next_rip) return;
  std::vector<std::uint64_t> values = registers(processor_);
  if (values[row(Register::rip)] != *processor_->next_rip) {
    values[row(Register::rip)] = *processor_->next_rip;
    values[row(Register::interrupt_shadow)] = values[row(Register::debug_shadow)] = 0;
    set_registers(processor_, RegisterGroup::Events, values);
    set_registers(processor_, RegisterGroup::General, values);
  }
  processor_->next_rip.reset();
}

void Entry::run() {
  look_in(processor_);
  if (processor_->entries++ % bogus_every == bogus_every - 1) return leave(VM_EXITCODE_BOGUS);
  while (!look_around()) {
    vm_->chips->advance(vm_->now());
    const std::int64_t deadline = std::min(vm_->chips->next_deadline(), vm_->now() + longest_stay);
    const ExitKind kind = vm_->cores->run(processor_->index, deadline);
    processor_->dead_halt = kind == ExitKind::Hlt && slot().detail == 1;
    take_starts();
    vm_->changed.notify_all();  // of what it has sent, and of timers that it has set
    if (serve(kind)) return;
    vm_->lock.unlock();
    vm_->lock.lock();
  }
}

/// True when it leaves before the guest runs.
bool Entry::look_around() {
  look_in(processor_);
  if (vm_->ended != VM_SUSPEND_NONE)
    leave_ended();
  else if (processor_->suspended)
    leave_debug();
  else
    return leave_start();
  return true;
}

/// Whoever sleeps in a halt does so no more when it is entered again.
void Entry::leave_debug() {
  std::vector<std::uint64_t> values = registers(processor_);
  if (values[row(Register::run_state)] == 1) {
    values[row(Register::run_state)] = 0;
    set_registers(processor_, RegisterGroup::Events, values);
  }
  leave(VM_EXITCODE_DEBUG);
}

/// INIT and SIPI that the guest has sent are the kernel's affair and userspace's: they never reach a core.
void Entry::take_starts() {
  for (const auto& other : vm_->vcpus) {
    tsbhyve::soft::Cpu* const cpu = other->core().cpu();
    if (std::exchange(cpu->init_pending, false)) processor_->sent_init |= other->bit();
    if (!std::exchange(cpu->sipi_pending, false)) continue;
    processor_->sent_start |= other->bit();
    processor_->start_vector = cpu->sipi_vector;
  }
}

bool Entry::leave_start() {
  constexpr unsigned init = 5 << 8, start_up = 6 << 8;
  const Set reset = std::exchange(processor_->sent_init, 0);
  if (reset != 0) {
    vm_->awaits_start |= reset;
    rendezvous(processor_, reset);
    for (const auto& other : vm_->vcpus) {
      if (reset & other->bit()) other->core().apic().init();
    }
  }
  const Set started = reset != 0 ? 0 : std::exchange(processor_->sent_start, 0) & vm_->awaits_start;
  vm_->awaits_start &= ~started;
  const Set named = reset | started;
  if (named == 0 || !processor_->tells_starts) return false;
  leave(VM_EXITCODE_IPI);
  exit_.u.ipi.mode = reset != 0 ? init : start_up;
  exit_.u.ipi.vector = processor_->start_vector;
  std::memset(request_.cpuset, 0, request_.cpusetsize);
  std::memcpy(request_.cpuset, &named, std::min(sizeof named, request_.cpusetsize));
  return true;
}

/// True when it comes out of vm_run.
bool Entry::serve(ExitKind kind) {
  switch (kind) {
    case ExitKind::None:
    case ExitKind::Deadline: return false;
    case ExitKind::PortRead:
    case ExitKind::PortWrite:
    case ExitKind::MmioRead:
    case ExitKind::MmioWrite: return access(kind);
    case ExitKind::MsrRead: return leave_msr(false);
    case ExitKind::MsrWrite: return leave_msr(true);
    case ExitKind::InterruptAcknowledge: slot().data = vm_->chips->acknowledge(); return false;
    case ExitKind::Eoi: vm_->chips->ioapic.end_of_interrupt(static_cast<u8>(slot().address)); return false;
    case ExitKind::Hlt: halted(); return false;
    case ExitKind::Shutdown: vm_->ended = VM_SUSPEND_TRIPLEFAULT; return false;
    default: leave(VM_EXITCODE_VMX); return true;
  }
}

/// With interrupts off nothing but an NMI could end it, and the kernel does not wait for one when all stand so.
void Entry::halted() {
  if (std::all_of(vm_->vcpus.begin(), vm_->vcpus.end(),
                  [](const auto& cpu) { return cpu->dead_halt || !cpu->active; })) {
    vm_->ended = VM_SUSPEND_HALT;
    return;
  }
  tsbhyve::soft::SoftVcpu& core = processor_->core();
  const auto timer = static_cast<std::int64_t>(std::min<u64>(core.apic().next_deadline(), never));
  const std::int64_t left = std::min(std::min(vm_->chips->next_deadline(), timer) - vm_->now(), second);
  if (left <= 0) return;
  vm_->changed.wait_for(vm_->lock, std::chrono::nanoseconds(left), [this, &core] {
    return processor_->suspended || processor_->owes_rendezvous || vm_->ended != VM_SUSPEND_NONE ||
           has_work(core.cpu());
  });
}

/// String I/O is userspace's, whatever the port.
bool is_string(const Code& code) {
  for (unsigned i = 0; i < code.count; i++) {
    const std::uint8_t byte = code.bytes[i];
    if (byte >= 0x6c && byte <= 0x6f) return true;
    const bool prefix = byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e || byte == 0x36 ||
                        byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65 || (byte & 0xf0) == 0x40;
    if (!prefix) return false;
  }
  return false;
}

bool Entry::access(ExitKind kind) {
  const bool write = kind == ExitKind::PortWrite || kind == ExitKind::MmioWrite;
  const bool port = kind == ExitKind::PortRead || kind == ExitKind::PortWrite;
  if (!port) return !memory(write) && leave_memory();
  const std::vector<std::uint64_t> values = registers(processor_);
  const bool string = is_string(code_at(vm_, values, values[row(Register::rip)]));
  if (!string && vm_->chips->port(write, static_cast<u16>(slot().address), slot().width, slot().data, vm_->now()))
    return false;
  return leave_port();
}

/// Whether it was a chip's.
bool Entry::memory(bool write) {
  const IoApic::State before = vm_->chips->ioapic.state;
  if (!vm_->chips->memory(write, slot().address, slot().width, slot().data, vm_->now())) return false;
  const IoApic::State& after = vm_->chips->ioapic.state;
  const bool asks = !std::equal(std::begin(before.entry), std::end(before.entry), std::begin(after.entry),
                                [](u64 one, u64 other) { return ((one ^ other) & ~without_meeting) == 0; });
  if (asks) rendezvous(processor_, vm_->active());
  return true;
}

/// The instruction is taken back, and the kernel remembers where the next one begins.
void Entry::step_over() {
  const std::vector<std::uint64_t> values = registers(processor_);
  const std::uint64_t rip = values[row(Register::rip)];
  const Code code = code_at(vm_, values, rip);
  const vm_guest_paging paging = paging_of(values);
  const bool wide = values[row(Register::cs_attributes)] & 1 << 14;
  const auto size = paging.cpu_mode == CPU_MODE_64BIT ? tsbhyve::soft::CodeSize::Bits64
                    : wide                            ? tsbhyve::soft::CodeSize::Bits32
                                                      : tsbhyve::soft::CodeSize::Bits16;
  tsbhyve::soft::Instruction instruction;
  tsbhyve::soft::decode(code.bytes, code.count, size, instruction);
  exit_.inst_length = instruction.length;
  exit_.rip = rip;
  processor_->next_rip = rip + instruction.length;
  set_registers(processor_, RegisterGroup::General, values);  // as they are: what was begun is forgotten
}

bool Entry::leave_port() {
  const tsbhyve::ExitSlot asked = slot();
  const std::vector<std::uint64_t> values = registers(processor_);
  const bool string = is_string(code_at(vm_, values, values[row(Register::rip)]));
  step_over();
  exit_.exitcode = string ? VM_EXITCODE_INOUT_STR : VM_EXITCODE_INOUT;
  vm_inout& request = exit_.u.inout;
  request.bytes = asked.width & 7;
  request.in = static_cast<ExitKind>(asked.kind) == ExitKind::PortRead;
  request.string = string;
  request.port = static_cast<std::uint16_t>(asked.address);
  request.eax = static_cast<std::uint32_t>(values[row(Register::rax)]);
  return true;
}

bool Entry::leave_memory() {
  const tsbhyve::ExitSlot asked = slot();
  const std::vector<std::uint64_t> values = registers(processor_);
  step_over();
  exit_.exitcode = VM_EXITCODE_INST_EMUL;
  auto& emulated = exit_.u.inst_emul;
  emulated.gpa = asked.address;
  emulated.cs_base = values[row(Register::cs_base)];
  emulated.cs_d = (values[row(Register::cs_attributes)] & 1 << 14) != 0;
  emulated.paging = paging_of(values);
  const Code code = code_at(vm_, values, exit_.rip);
  std::memcpy(emulated.vie.inst, code.bytes, sizeof code.bytes);
  emulated.vie.num_valid = static_cast<std::uint8_t>(code.count);
  return true;
}

/// The access stays in flight: a refusal raises its exception there, anything else takes it back.
bool Entry::leave_msr(bool write) {
  const std::vector<std::uint64_t> values = registers(processor_);
  exit_.exitcode = write ? VM_EXITCODE_WRMSR : VM_EXITCODE_RDMSR;
  exit_.rip = values[row(Register::rip)];
  exit_.inst_length = 2;
  exit_.u.msr.code = static_cast<std::uint32_t>(slot().address);
  exit_.u.msr.wval = slot().data;
  processor_->next_rip = exit_.rip + 2;
  processor_->awaits_msr = true;
  return true;
}

void Entry::leave_ended() {
  end_together(processor_);
  leave(VM_EXITCODE_SUSPENDED);
  exit_.u.suspended.how = vm_->ended;
}

}  // namespace

int vm_run(vcpu* cpu, struct vm_run* vmrun) {
  const std::lock_guard guard(cpu->vm->lock);
  if (!cpu->active || cpu->inside || !vmrun->vm_exit) return fail(EINVAL);
  cpu->inside = true;
  Entry entry(cpu, vmrun);
  entry.begin();
  entry.run();
  cpu->inside = false;
  return 0;
}
