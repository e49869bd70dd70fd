// SPDX-License-Identifier: BSD-2-Clause
#include "soft/system/transfer_stack.h"

#include "soft/address.h"
#include "soft/memory.h"
#include "soft/system/fault.h"
#include "soft/system/segments.h"

namespace tsbhyve::soft {

namespace {

u64 load_sized(Cpu* cpu, u64 lin, u32 size, u8 cpl) {
  switch (size) {
    case 2: return load_as<u16>(cpu, lin, cpl);
    case 4: return load_as<u32>(cpu, lin, cpl);
    default: return load_as<u64>(cpu, lin, cpl);
  }
}

void store_sized(Cpu* cpu, u64 lin, u64 value, u32 size, u8 cpl) {
  switch (size) {
    case 2: return store_as<u16>(cpu, lin, static_cast<u16>(value), cpl);
    case 4: return store_as<u32>(cpu, lin, static_cast<u32>(value), cpl);
    default: return store_as<u64>(cpu, lin, value, cpl);
  }
}

}  // namespace

TransferStack::TransferStack(const Cpu* cpu)
    : segment_(cpu->segment[SS]),
      pointer_(cpu->gpr[RSP] & stack_mask(cpu)),
      mask_(stack_mask(cpu)),
      cpl_(cpu->cpl),
      flat_((cpu->mode & mode_code64) != 0) {}

TransferStack::TransferStack(const Segment& segment, u64 pointer, u8 cpl, u32 error)
    : segment_(segment),
      mask_(segment.attributes & segment_big ? 0xffffffff : 0xffff),
      error_(error),
      cpl_(cpl),
      flat_(false) {
  pointer_ = pointer & mask_;
}

u64 TransferStack::linear(Cpu* cpu, u64 offset, u32 size) const {
  if (flat_) {
    if (!canonical(offset) || !canonical(offset + size - 1)) fault(cpu, Vector::SegmentSS, error_);
    return offset;
  }
  if ((segment_.attributes & segment_unusable) || !within_limit(segment_, offset, size)) {
    fault(cpu, Vector::SegmentSS, error_);
  }
  return (segment_.base + offset) & 0xffffffff;
}

void TransferStack::push(Cpu* cpu, u64 value, u32 size) {
  const u64 offset = (pointer_ - size) & mask_;
  store_sized(cpu, linear(cpu, offset, size), value, size, cpl_);
  pointer_ = offset;
}

u64 TransferStack::pop(Cpu* cpu, u32 size) {
  const u64 value = peek(cpu, 0, size);
  release(size);
  return value;
}

u64 TransferStack::peek(Cpu* cpu, u64 offset, u32 size) const {
  return load_sized(cpu, linear(cpu, (pointer_ + offset) & mask_, size), size, cpl_);
}

InnerStack inner_stack(Cpu* cpu, u8 cpl, u32 external) {
  const bool wide = cpu->tr.attributes & 8;  // 32-bit TSS
  const u32 offset = wide ? 4 + 8u * cpl : 2 + 4u * cpl;
  const u32 size = wide ? 6 : 4;
  if (offset + size - 1 > cpu->tr.limit) fault(cpu, Vector::TS, selector_error(cpu->tr.selector, external));
  const u64 lin = cpu->tr.base + offset;
  if (wide) return {load_system<u32>(cpu, lin), load_system<u16>(cpu, lin + 4)};
  return {load_system<u16>(cpu, lin), load_system<u16>(cpu, lin + 2)};
}

u64 long_tss_pointer(Cpu* cpu, u32 offset, u32 external) {
  if (offset + 7 > cpu->tr.limit) fault(cpu, Vector::TS, selector_error(cpu->tr.selector, external));
  return load_system<u64>(cpu, cpu->tr.base + offset);
}

}  // namespace tsbhyve::soft
