// SPDX-License-Identifier: BSD-2-Clause
// The stack that a far transfer pops from or pushes to while it is not, or not yet, the current one. Only committing it
// changes SS and RSP.
#pragma once

#include "soft/system/descriptor.h"

namespace tsbhyve::soft {

class TransferStack {
 public:
  /// The current stack.
  explicit TransferStack(const Cpu* cpu);
  /// A legacy stack of another privilege.
  TransferStack(const Segment& segment, u64 pointer, u8 cpl, u32 error);
  /// A 64-bit stack, which has no segment.
  TransferStack(u64 pointer, u8 cpl, u32 error) : pointer_(pointer), error_(error), cpl_(cpl), flat_(true) {}

  void push(Cpu* cpu, u64 value, u32 size);
  u64 pop(Cpu* cpu, u32 size);
  /// Value `offset` bytes above the pointer, which stays.
  u64 peek(Cpu* cpu, u64 offset, u32 size) const;
  /// RETF n and the like.
  void release(u64 bytes) { pointer_ = (pointer_ + bytes) & mask_; }

  u64 pointer() const { return pointer_; }
  /// Value for RSP when the stack's own width replaces only part of `old`.
  u64 merged_pointer(u64 old) const { return mask_ == 0xffff ? (old & ~mask_) | pointer_ : pointer_; }

 private:
  u64 linear(Cpu* cpu, u64 offset, u32 size) const;

  Segment segment_;
  u64 pointer_;
  u64 mask_ = ~u64{0};
  u32 error_ = 0;
  u8 cpl_;
  bool flat_;
};

/// Stack for privilege `cpl` from the TSS (SDM vol. 3, 7.2.1 and 7.7).
struct InnerStack {
  u64 pointer;
  u16 selector;
};
InnerStack inner_stack(Cpu* cpu, u8 cpl, u32 external);
/// RSP0-2 and IST1-7 of a 64-bit TSS: `offset` from its start.
u64 long_tss_pointer(Cpu* cpu, u32 offset, u32 external);

}  // namespace tsbhyve::soft
