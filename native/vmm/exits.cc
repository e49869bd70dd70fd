// SPDX-License-Identifier: BSD-2-Clause
// Exits of vm_run() as exits of the contract, and their answers.
#include <cstdio>

#include "vmm/vmm_vcpu.h"

namespace tsbhyve::vmm {

namespace {

constexpr int undefined_opcode = 6, general_protection = 13;

std::string sentence(const char* format, unsigned long long value, unsigned long long more = 0) {
  char text[160];
  std::snprintf(text, sizeof text, format, value, more);
  return text;
}

}  // namespace

/// None: nobody is needed, and the vCPU is entered again.
ExitKind VmmVcpu::decode() {
  asked_.refused = asked_.detail = 0;
  switch (exit_.exitcode) {
    case VM_EXITCODE_INOUT: return port();
    case VM_EXITCODE_INOUT_STR:
    case VM_EXITCODE_INST_EMUL: return emulate();
    case VM_EXITCODE_RDMSR: return msr(false);
    case VM_EXITCODE_WRMSR: return msr(true);
    case VM_EXITCODE_TASK_SWITCH: return task_switch();
    case VM_EXITCODE_SUSPENDED: return end_ = ended();
    case VM_EXITCODE_HLT:
    case VM_EXITCODE_BOGUS:  // the kernel had to let another thread run, or nothing at all
    case VM_EXITCODE_PAUSE:
    case VM_EXITCODE_MTRAP:
    case VM_EXITCODE_REQIDLE:
    case VM_EXITCODE_RENDEZVOUS:
    case VM_EXITCODE_IOAPIC_EOI:  // its I/O APIC knows
    case VM_EXITCODE_DEBUG: return ExitKind::None;
    case VM_EXITCODE_MONITOR:
    case VM_EXITCODE_MWAIT:
    case VM_EXITCODE_VMINSN:  // no CPUID of the kernel's offers them
      TSBHYVE_VMM(library(), vm_inject_exception, processor(), undefined_opcode, 0, 0, 1);
      advances_ = false;
      return ExitKind::None;
    case VM_EXITCODE_PAGING:
      return fail(sentence("the kernel has no memory for guest address %#llx", exit_.u.paging.gpa));
    case VM_EXITCODE_VMX:
      if (exit_.u.vmx.status == 0)
        return fail(sentence("VMX exit reason %llu, qualification %#llx", exit_.u.vmx.exit_reason,
                             exit_.u.vmx.exit_qualification));
      return fail(sentence("VMX instruction error %llu", static_cast<unsigned long long>(exit_.u.vmx.inst_error)));
    case VM_EXITCODE_SVM:
      return fail(sentence("SVM exit code %#llx, information %#llx", exit_.u.svm.exitcode, exit_.u.svm.exitinfo1));
    case VM_EXITCODE_IPI: return start_message();
    default: return fail(sentence("vm_run ended with exit code %llu", static_cast<unsigned long long>(exit_.exitcode)));
  }
}

/// INIT or SIPI; every other message the kernel delivers.
ExitKind VmmVcpu::start_message() {
  constexpr unsigned init = 5 << 8, start_up = 6 << 8;
  if (exit_.u.ipi.mode == init) all_.init(named_);
  if (exit_.u.ipi.mode == start_up) all_.start(named_, exit_.u.ipi.vector);
  return ExitKind::None;
}

ExitKind VmmVcpu::port() {
  const vm_inout& request = exit_.u.inout;
  asked_.width = request.bytes;
  asked_.address = request.port;
  const std::uint64_t mask = (std::uint64_t{1} << (8 * request.bytes)) - 1;
  asked_.data = request.in ? 0 : request.eax & mask;
  owed_ = request.in ? Owed::PortValue : Owed::Nothing;
  return request.in ? ExitKind::PortRead : ExitKind::PortWrite;
}

ExitKind VmmVcpu::msr(bool write) {
  asked_.width = 8;
  asked_.address = exit_.u.msr.code;
  asked_.data = write ? exit_.u.msr.wval : 0;
  owed_ = write ? Owed::MsrWritten : Owed::MsrValue;
  return write ? ExitKind::MsrWrite : ExitKind::MsrRead;
}

ExitKind VmmVcpu::emulate() {
  if (exit_.exitcode == VM_EXITCODE_INST_EMUL && uses_fpu(exit_)) {
    return fail(
        sentence("the guest moves floating-point or vector registers to or from device memory at %#llx, and the "
                 "kernel does not show those registers",
                 exit_.u.inst_emul.gpa));
  }
  std::vector<std::uint64_t> values(register_count);
  registers_.get(RegisterGroup::All, values);
  values[row(Register::rip)] = exit_.rip;
  return emulated(emulator_.begin(values));
}

/// A call, jump or return to another task: the instruction is run again, by us.
ExitKind VmmVcpu::task_switch() {
  if (exit_.u.task_switch.reason == TSR_IDT_GATE)
    return fail("the guest handles an interrupt by a task of its own, which this engine cannot start");
  return emulate();
}

ExitKind VmmVcpu::emulated(ExitKind kind) {
  switch (kind) {
    case ExitKind::None: break;
    case ExitKind::PortRead:
    case ExitKind::PortWrite:
    case ExitKind::MmioRead:
    case ExitKind::MmioWrite: {
      const ExitSlot& asked = emulator_.slot();
      asked_.width = asked.width;
      asked_.address = asked.address;
      asked_.data = asked.data;
      owed_ = Owed::Emulation;
      if (all_.chipset.answers(kind, asked.address)) {
        asked_.data =
            all_.chipset.access(processor(), kind == ExitKind::MmioWrite, asked.address, asked.width, asked.data);
        return take_answer();
      }
      return kind;
    }
    case ExitKind::Shutdown: return end_ = ExitKind::Shutdown;
    default: return fail(sentence("the instruction at %#llx is none that this engine emulates", exit_.rip));
  }
  registers_.update(emulator_.before(), emulator_.after());
  // Also where it has not changed: the kernel may have stepped over the instruction in its mind.
  registers_.set_one(VM_REG_GUEST_RIP, emulator_.after()[row(Register::rip)]);
  advances_ = false;
  return ExitKind::None;
}

ExitKind VmmVcpu::take_answer() {
  if (owed_ == Owed::Nothing) return ExitKind::None;
  asked_.data = slot.data;
  asked_.refused = slot.refused;
  return answer();
}

ExitKind VmmVcpu::answer() {
  const Owed owed = owed_;
  owed_ = Owed::Nothing;
  switch (owed) {
    case Owed::Nothing: return ExitKind::None;
    case Owed::PortValue: {
      const unsigned bytes = exit_.u.inout.bytes;
      const std::uint64_t old = registers_.get_one(VM_REG_GUEST_RAX);
      const std::uint64_t mask = bytes == 4 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * bytes)) - 1;
      // A doubleword clears what is above it (SDM vol. 1, 3.4.1.1).
      registers_.set_one(VM_REG_GUEST_RAX, (old & ~mask) | (asked_.data & mask & 0xffffffff));
      return ExitKind::None;
    }
    case Owed::MsrValue:
      if (asked_.refused != 0) {
        refuse_msr();
      } else {
        registers_.set_one(VM_REG_GUEST_RAX, asked_.data & 0xffffffff);
        registers_.set_one(VM_REG_GUEST_RDX, asked_.data >> 32);
      }
      return ExitKind::None;
    case Owed::MsrWritten:
      if (asked_.refused != 0) refuse_msr();
      return ExitKind::None;
    case Owed::Emulation:
      emulator_.slot().data = asked_.data;
      emulator_.slot().refused = asked_.refused;
      return emulated(emulator_.go_on());
  }
  return ExitKind::None;
}

/// #GP(0), and the instruction is not done.
void VmmVcpu::refuse_msr() {
  TSBHYVE_VMM(library(), vm_inject_exception, processor(), general_protection, 1, 0, 1);
  advances_ = false;
}

ExitKind VmmVcpu::ended() {
  switch (exit_.u.suspended.how) {
    case VM_SUSPEND_TRIPLEFAULT: return ExitKind::Shutdown;
    case VM_SUSPEND_HALT: asked_.detail = 1; return ExitKind::Hlt;
    case VM_SUSPEND_RESET: return fail("somebody has reset the VM from outside");
    case VM_SUSPEND_POWEROFF: return fail("somebody has switched the VM off from outside");
    default: return fail("somebody has removed the VM");
  }
}

}  // namespace tsbhyve::vmm
