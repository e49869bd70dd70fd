// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_exit.h"

#include <bit>
#include <cstdio>
#include <cstring>

namespace tsbhyve::kvm {

ExitKind ExitDecoder::decode() {
  const kvm_run& run = vcpu_.run();
  slot_->refused = slot_->detail = 0;
  switch (run.exit_reason) {
    case KVM_EXIT_IO: return port();
    case KVM_EXIT_MMIO: return memory();
    case KVM_EXIT_X86_RDMSR: return msr(false);
    case KVM_EXIT_X86_WRMSR: return msr(true);
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_INTR: return ExitKind::None;
    case KVM_EXIT_IOAPIC_EOI: slot_->address = run.eoi.vector; return ExitKind::Eoi;
    case KVM_EXIT_SHUTDOWN: return ExitKind::Shutdown;
    case KVM_EXIT_DEBUG: return ExitKind::Debug;
    case KVM_EXIT_FAIL_ENTRY: {
      char text[96];
      std::snprintf(text, sizeof text, "the processor refuses the guest's state (hardware reason %#llx)",
                    static_cast<unsigned long long>(run.fail_entry.hardware_entry_failure_reason));
      return fail(Fault::FailedEntry, text);
    }
    case KVM_EXIT_INTERNAL_ERROR:
      if (run.internal.suberror == KVM_INTERNAL_ERROR_EMULATION) return fail(Fault::Emulation, emulation_failure());
      return fail(Fault::Internal, "KVM gave up with internal error " + std::to_string(run.internal.suberror));
    default: return fail(Fault::Unknown, "KVM_RUN ended with exit reason " + std::to_string(run.exit_reason));
  }
}

ExitKind ExitDecoder::port() {
  kvm_run& run = vcpu_.run();
  data_ = reinterpret_cast<std::uint8_t*>(&run) + run.io.data_offset;
  element_ = run.io.size;
  left_ = element_ * run.io.count;
  same_address_ = port_ = true;
  msr_ = false;
  write_ = run.io.direction == KVM_EXIT_IO_OUT;
  slot_->address = run.io.port;
  unfinished_ = true;
  return next();
}

ExitKind ExitDecoder::memory() {
  kvm_run& run = vcpu_.run();
  data_ = run.mmio.data;
  element_ = 0;
  left_ = run.mmio.len;
  same_address_ = port_ = msr_ = false;
  write_ = run.mmio.is_write != 0;
  slot_->address = run.mmio.phys_addr;
  unfinished_ = true;
  return next();
}

ExitKind ExitDecoder::msr(bool write) {
  const kvm_run& run = vcpu_.run();
  msr_ = unfinished_ = true;
  write_ = write;
  left_ = 0;
  slot_->width = 8;
  slot_->address = run.msr.index;
  slot_->data = write ? run.msr.data : 0;
  return write ? ExitKind::MsrWrite : ExitKind::MsrRead;
}

ExitKind ExitDecoder::next() {
  slot_->width = element_ != 0 ? element_ : std::bit_floor(left_);
  slot_->data = 0;
  slot_->refused = slot_->detail = 0;
  if (write_) std::memcpy(&slot_->data, data_, slot_->width);
  if (port_) return write_ ? ExitKind::PortWrite : ExitKind::PortRead;
  return write_ ? ExitKind::MmioWrite : ExitKind::MmioRead;
}

bool ExitDecoder::answer() {
  if (msr_) {
    kvm_run& run = vcpu_.run();
    msr_ = false;
    run.msr.error = slot_->refused != 0;
    run.msr.data = slot_->data;
    return false;
  }
  if (left_ == 0) return false;
  if (!write_) std::memcpy(data_, &slot_->data, slot_->width);
  data_ += slot_->width;
  left_ -= slot_->width;
  if (!same_address_) slot_->address += slot_->width;
  return left_ != 0;
}

ExitKind ExitDecoder::fail(Fault fault, std::string sentence) {
  error_ = std::move(sentence);
  slot_->detail = static_cast<std::uint32_t>(fault);
  return ExitKind::Error;
}

std::string ExitDecoder::emulation_failure() const {
  const auto& failure = vcpu_.run().emulation_failure;
  std::string text = "KVM can not emulate the guest's instruction";
  const bool has_bytes = failure.ndata > 0 && (failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES);
  for (unsigned i = 0; has_bytes && i < failure.insn_size && i < sizeof failure.insn_bytes; i++) {
    char byte[8];
    std::snprintf(byte, sizeof byte, " %02x", failure.insn_bytes[i]);
    text += byte;
  }
  return text;
}

}  // namespace tsbhyve::kvm
