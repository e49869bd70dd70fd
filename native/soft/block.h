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
/// and leads equally far from wherever the page is mapped; the target's end-of-life clears it.
struct Link {
  Block* block = nullptr;
  Link* next_incoming = nullptr;  // of those that lead to `block`
  u64 delta = 0;                  // target RIP - RIP of the source block
  u64 mask = ~u64{0};
};

struct Branch {
  Link taken, next;
};

inline constexpr u32 max_block_instructions = 64;

struct Membership;
struct Region;

struct Block {
  // What looking it up and running it takes lies in as few lines of the host's cache as can be.
  u64 physical = 0;  // address of its first byte
  u32 mode = 0;
  u32 count = 0;  // guest instructions
  Block* next_in_bucket = nullptr;
  Op* ops = nullptr;
  // Of the translator, which puts a handler of its own in place of the first.
  const u8* code = nullptr;         // entry of the region
  Region* region = nullptr;         // the one that is entered here
  Handler first = nullptr;          // the one that stood there, or null
  u32 heat = 0;                     // runs that are left before it is translated
  u32 jump_slot = 0;                // where the indirect-jump cache may hold it
  Branch branch;                    // of its last instruction, when that is a direct branch or the end of the page
  u32 length = 0;                   // bytes
  bool straddles = false;           // its only instruction runs onto a second page
  bool software_interrupt = false;  // it is INT n, INT3, INTO, INT1 or a system call: no TF trap after it
  bool repeats = false;             // it is a REP string operation, which may stop half-way
  bool copies = false;              // of those it is MOVS or STOS
  u64 second_page = 0;              // physical page of the rest when it straddles
  Link* incoming = nullptr;
  Block* next_on_page = nullptr;
  Block* next_into_page = nullptr;  // of those that run onto the second page
  std::unique_ptr<Op[]> storage;
  std::unique_ptr<u8[]> bytes;      // as they were decoded; only where it straddles or others may write them meanwhile
  Membership* member_of = nullptr;  // of all regions that hold its instructions
};

}  // namespace tsbhyve::soft
