// SPDX-License-Identifier: BSD-2-Clause
// Exits of KVM_RUN as exits of the contract.
#pragma once

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// Detail of ExitKind::Error.
enum class Fault : std::uint32_t { Unknown = 1, FailedEntry, Internal, Emulation };

/// What an exit asks of the device model, one access at a time: KVM hands out string I/O as a whole, and memory
/// accesses of any length up to 8 bytes.
class ExitDecoder {
 public:
  ExitDecoder(const Vcpu& vcpu, ExitSlot* slot) : vcpu_(vcpu), slot_(slot) {}

  /// Fills the slot from the run page. None: the exit asks for nothing.
  ExitKind decode();
  /// Puts the slot's answer where KVM looks for it. True when the same exit has a further access: next() fills the slot
  /// with it.
  bool answer();
  ExitKind next();
  /// The instruction of the last exit ends only in the next KVM_RUN.
  bool unfinished() const { return unfinished_; }
  void finished() { unfinished_ = false; }
  /// One sentence on the last ExitKind::Error; empty before.
  const std::string& error() const { return error_; }

 private:
  ExitKind port();
  ExitKind memory();
  ExitKind msr(bool write);
  ExitKind fail(Fault fault, std::string sentence);
  std::string emulation_failure() const;

  const Vcpu& vcpu_;
  ExitSlot* slot_;
  std::uint8_t* data_ = nullptr;  // of the next access
  std::uint32_t left_ = 0;        // bytes from there on
  std::uint32_t element_ = 0;     // width of each access, or 0: the largest power of two that fits
  bool same_address_ = false, write_ = false, port_ = false, msr_ = false;
  bool unfinished_ = false;
  std::string error_;
};

}  // namespace tsbhyve::kvm
