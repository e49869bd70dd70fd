// SPDX-License-Identifier: BSD-2-Clause
// vm_run(): the kernel's own devices are served inside it, and the rest comes out.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "soft/decode/instruction.h"
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

class Entry {
 public:
  Entry(vcpu* processor, struct vm_exit* exit) : processor_(processor), vm_(processor->vm), exit_(*exit) {
    std::memset(static_cast<void*>(exit), 0, sizeof *exit);
  }

  /// What has become of the last exit's instruction.
  void begin();
  void run();

 private:
  bool serve(ExitKind kind);
  bool access(ExitKind kind);
  bool halted();
  void leave(vm_exitcode code) {
    exit_.exitcode = code;
    exit_.rip = registers(vm_)[row(Register::rip)];
  }
  void step_over();
  bool leave_port();
  bool leave_memory();
  bool leave_msr(bool write);
  void leave_ended();

  vcpu* processor_;
  vmctx* vm_;
  struct vm_exit& exit_;
};

void Entry::begin() {
  if (processor_->awaits_msr) {
    processor_->awaits_msr = false;
    if (processor_->msr_refused) {  // the interpreter raises #GP(0) there
      processor_->msr_refused = false;
      processor_->next_rip.reset();
      vm_->cpu->vcpu(0).slot.refused = 1;
      return;
    }
  }
  if (!processor_->next_rip) return;
  std::vector<std::uint64_t> values = registers(vm_);
  if (values[row(Register::rip)] != *processor_->next_rip) {
    values[row(Register::rip)] = *processor_->next_rip;
    values[row(Register::interrupt_shadow)] = values[row(Register::debug_shadow)] = 0;
    set_registers(vm_, RegisterGroup::Events, values);
    set_registers(vm_, RegisterGroup::General, values);
  }
  processor_->next_rip.reset();
}

void Entry::run() {
  if (processor_->entries++ % bogus_every == bogus_every - 1) return leave(VM_EXITCODE_BOGUS);
  for (;;) {
    if (vm_->ended != VM_SUSPEND_NONE) return leave_ended();
    if (processor_->suspended) {
      // Whoever sleeps in a halt does so no more when it is entered again.
      std::vector<std::uint64_t> values = registers(vm_);
      if (values[row(Register::run_state)] == 1) {
        values[row(Register::run_state)] = 0;
        set_registers(vm_, RegisterGroup::Events, values);
      }
      return leave(VM_EXITCODE_DEBUG);
    }
    vm_->chips->advance(vm_->now());
    const std::int64_t deadline = std::min(vm_->chips->next_deadline(), vm_->now() + longest_stay);
    if (serve(vm_->cpu->run(deadline).kind)) return;
  }
}

/// True when it comes out of vm_run.
bool Entry::serve(ExitKind kind) {
  switch (kind) {
    case ExitKind::None:
    case ExitKind::Deadline:
    case ExitKind::Woken: return false;
    case ExitKind::PortRead:
    case ExitKind::PortWrite:
    case ExitKind::MmioRead:
    case ExitKind::MmioWrite: return access(kind);
    case ExitKind::MsrRead: return leave_msr(false);
    case ExitKind::MsrWrite: return leave_msr(true);
    case ExitKind::InterruptAcknowledge: vm_->cpu->vcpu(0).slot.data = vm_->chips->acknowledge(); return false;
    case ExitKind::Eoi:
      vm_->chips->ioapic.end_of_interrupt(static_cast<u8>(vm_->cpu->vcpu(0).slot.address));
      return false;
    case ExitKind::Hlt: return halted();
    case ExitKind::Shutdown: vm_->ended = VM_SUSPEND_TRIPLEFAULT; return false;
    default: leave(VM_EXITCODE_VMX); return true;
  }
}

bool Entry::halted() {
  if (vm_->cpu->vcpu(0).slot.detail == 1) {
    vm_->ended = VM_SUSPEND_HALT;  // nothing but an NMI could end it, and the kernel does not wait for one
    return false;
  }
  const std::int64_t next = std::min(vm_->chips->next_deadline(), vm_->cpu->next_deadline());
  const std::int64_t left = std::min<std::int64_t>(next - vm_->now(), 1'000'000'000);
  std::unique_lock guard(vm_->lock);
  if (left > 0)
    vm_->changed.wait_for(guard, std::chrono::nanoseconds(left), [this] { return processor_->suspended.load(); });
  return false;
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
  tsbhyve::ExitSlot& slot = vm_->cpu->vcpu(0).slot;
  const bool write = kind == ExitKind::PortWrite || kind == ExitKind::MmioWrite;
  const bool port = kind == ExitKind::PortRead || kind == ExitKind::PortWrite;
  if (!port) {
    if (vm_->chips->memory(write, slot.address, slot.width, slot.data, vm_->now())) return false;
    return leave_memory();
  }
  const std::vector<std::uint64_t> values = registers(vm_);
  const bool string = is_string(code_at(vm_, values, values[row(Register::rip)]));
  if (!string && vm_->chips->port(write, static_cast<u16>(slot.address), slot.width, slot.data, vm_->now()))
    return false;
  return leave_port();
}

/// The instruction is taken back, and the kernel remembers where the next one begins.
void Entry::step_over() {
  const std::vector<std::uint64_t> values = registers(vm_);
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
  set_registers(vm_, RegisterGroup::General, values);  // as they are: what was begun is forgotten
}

bool Entry::leave_port() {
  const tsbhyve::ExitSlot slot = vm_->cpu->vcpu(0).slot;
  const std::vector<std::uint64_t> values = registers(vm_);
  const bool string = is_string(code_at(vm_, values, values[row(Register::rip)]));
  step_over();
  exit_.exitcode = string ? VM_EXITCODE_INOUT_STR : VM_EXITCODE_INOUT;
  vm_inout& request = exit_.u.inout;
  request.bytes = slot.width & 7;
  request.in = static_cast<ExitKind>(slot.kind) == ExitKind::PortRead;
  request.string = string;
  request.port = static_cast<std::uint16_t>(slot.address);
  request.eax = static_cast<std::uint32_t>(values[row(Register::rax)]);
  return true;
}

bool Entry::leave_memory() {
  const tsbhyve::ExitSlot slot = vm_->cpu->vcpu(0).slot;
  const std::vector<std::uint64_t> values = registers(vm_);
  step_over();
  exit_.exitcode = VM_EXITCODE_INST_EMUL;
  auto& emulated = exit_.u.inst_emul;
  emulated.gpa = slot.address;
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
  const std::vector<std::uint64_t> values = registers(vm_);
  exit_.exitcode = write ? VM_EXITCODE_WRMSR : VM_EXITCODE_RDMSR;
  exit_.rip = values[row(Register::rip)];
  exit_.inst_length = 2;
  exit_.u.msr.code = static_cast<std::uint32_t>(vm_->cpu->vcpu(0).slot.address);
  exit_.u.msr.wval = vm_->cpu->vcpu(0).slot.data;
  processor_->next_rip = exit_.rip + 2;
  processor_->awaits_msr = true;
  return true;
}

void Entry::leave_ended() {
  leave(VM_EXITCODE_SUSPENDED);
  exit_.u.suspended.how = vm_->ended;
  vm_->told_end = true;
}

}  // namespace

int vm_run(vcpu* cpu, struct vm_run* vmrun) {
  if (!cpu->active || !vmrun->vm_exit) return fail(EINVAL);
  Entry entry(cpu, vmrun->vm_exit);
  entry.begin();
  entry.run();
  return 0;
}
