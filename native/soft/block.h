// SPDX-License-Identifier: BSD-2-Clause
// A block: a straight run of instructions on one physical page, as Ops that end in one leaving the block.
#pragma once

#include <memory>

#include "soft/op.h"

namespace tsbhyve::soft {

/// Bits of Cpu::mode: what a decoded block depends on beside its bytes.
inline constexpr u32 mode_code64 = 1, mode_code32 = 2;  // neither: 16-bit code
inline constexpr u32 mode_stack64 = 4, mode_stack32 = 8;
inline constexpr u32 mode_user = 16;
inline constexpr u32 mode_single = 32;  // one instruction a block, nothing fused
inline constexpr u32 mode_flat = 64;    // RIP is the linear address: CS has neither base nor limit

/// One way out of a block by a direct branch. `block` is set only when source and target lie on one page, linear and
/// physical, so that no translation can have changed in between, and only in flat code, where a branch needs no check
/// and leads equally far from wherever the page is mapped. When the target dies, whoever lies on its page is searched
/// for such links.
struct Link {
  Block* block = nullptr;
  u64 delta = 0;  // target RIP - RIP of the source block, before it is cut to the width of the code
};

struct Branch {
  Link taken, next;
};

inline constexpr u32 max_block_instructions = 64;

struct Membership;
struct Region;

/// Of a block whose only instruction runs onto a second page.
struct SecondPage {
  u64 physical = 0;
  Block* next_into = nullptr;  // of the blocks that run onto it
};

/// There are so many that their size is most of what a VM needs beside its guest's memory: the Ops lie behind each in
/// the same piece, and what few have lies behind those. malloc() adds 8 bytes and rounds up to 16.
struct Block {
  u64 physical = 0;  // address of its first byte
  Block* next_in_bucket = nullptr;
  Block* next_on_page = nullptr;
  Membership* member_of = nullptr;  // of all regions that hold its instructions
  // What running it takes lies beside its first Op.
  Branch branch;  // of its last instruction, when that is a direct branch or the end of the page
  // Of the translator, which puts a handler of its own in place of the first.
  Region* region = nullptr;  // the one that is entered here
  Handler first = nullptr;   // the one that stood there, or null
  u16 heat = 0;              // runs that are left before it is translated
  u16 jump_slot = 0;         // where the indirect-jump cache may hold it
  u8 mode = 0;
  u8 count = 0;                         // guest instructions
  bool falls : 1 = false;               // one more Op leads on behind the last instruction
  bool straddles : 1 = false;           // its only instruction runs onto a second page
  bool keeps_bytes : 1 = false;         // where it straddles, or others may write them meanwhile
  bool software_interrupt : 1 = false;  // it is INT n, INT3, INTO, INT1 or a system call: no TF trap after it
  bool repeats : 1 = false;             // it is a REP string operation, which may stop half-way
  bool copies : 1 = false;              // of those it is MOVS or STOS
  bool dropped : 1 = false;

  static std::unique_ptr<Block> make(u32 count, bool falls, bool straddles, u32 kept_bytes);
  static void operator delete(void* block) { ::operator delete(block); }

  Op* ops() { return reinterpret_cast<Op*>(this + 1); }
  const Op* ops() const { return reinterpret_cast<const Op*>(this + 1); }
  u32 op_count() const { return u32{count} + (falls ? 1 : 0); }
  /// In bytes.
  u32 length() const { return static_cast<u32>(branch.next.delta); }
  /// Only where it straddles.
  SecondPage& second_page() { return *reinterpret_cast<SecondPage*>(ops() + op_count()); }
  const SecondPage& second_page() const { return *reinterpret_cast<const SecondPage*>(ops() + op_count()); }
  /// As they were decoded; null where it does not keep them.
  u8* bytes() { return keeps_bytes ? behind_ops() + (straddles ? sizeof(SecondPage) : 0) : nullptr; }
  const u8* bytes() const { return const_cast<Block*>(this)->bytes(); }

 private:
  u8* behind_ops() { return reinterpret_cast<u8*>(ops() + op_count()); }
};
static_assert(sizeof(Block) == 88 && alignof(Block) == alignof(Op) && jump_entries <= 1 << 16);

}  // namespace tsbhyve::soft
