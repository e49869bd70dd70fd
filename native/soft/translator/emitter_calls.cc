// SPDX-License-Identifier: BSD-2-Clause
// From region to region: by links, through the jump cache, and back from calls by the frames that those have left.
#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

const Mem noted_address = x86::ptr(x86::rsp, 8, 8);

}  // namespace

void Emitter::return_address(const Gp& into) {
  a.mov(into, CPU_FIELD(translated.code_page));
  a.lea(into, x86::ptr(into, static_cast<i32>((block->physical & page_offset_mask) + op->offset + op->length)));
}

/// Goes to the code of the block at t0, which is another page's or not known before. A call is to come back to `back`.
void Emitter::look_up(const MakeCode& before, const Label& unknown, const Label* back) {
  static_assert(sizeof(JumpEntry) == 32);
  a.mov(t1, t0);
  a.shr(t1, 12);
  a.xor_(t1.r32(), t0.r32());
  a.and_(t1.r32(), static_cast<i32>(jump_entries - 1));
  a.shl(t1.r32(), 5);
  const auto entry = [](size_t offset, u32 size) {
    return x86::ptr(state, t1, 0, static_cast<int>(offsetof(Cpu, jumps) + offset) - bias, size);
  };
  a.cmp(entry(offsetof(JumpEntry, rip), 8), t0);
  a.jne(unknown);
  a.cmp(entry(offsetof(JumpEntry, mode), 4), static_cast<i32>(block->mode));
  a.jne(unknown);
  a.shr(t0, 12);
  a.and_(t0.r32(), static_cast<i32>(code_pages - 1));
  a.mov(t0.r32(), x86::ptr(state, t0, 2, static_cast<int>(offsetof(Cpu, code_page_serial)) - bias, 4));
  a.cmp(entry(offsetof(JumpEntry, page_serial), 4), t0.r32());
  a.jne(unknown);
  a.cmp(entry(offsetof(JumpEntry, code), 8), 0);
  a.je(unknown);
  if (back) note_call(*back);
  a.mov(t0, entry(offsetof(JumpEntry, rip), 8));
  a.mov(t1, entry(offsetof(JumpEntry, code), 8));
  a.and_(t0, static_cast<i64>(page_mask));
  a.mov(CPU_FIELD(translated.code_page), t0);
  if (before) before();
  a.jmp(t1);
}

/// To the target of a link outside of the region; at `out`, and where nothing better is known, tier 1 goes there.
void Emitter::go_outside(const Link* link, const Label& out, const Label* back) {
  Exit* const exit = new_exit(Exit::Kind::Branch);
  exit->link = const_cast<Link*>(link);
  const u64 from = block->physical & page_offset_mask, offset = from + link->delta;
  // What runs onto the next page depends on two translations, which only the jump cache knows of.
  const bool may_straddle = !link->block && offset + max_instruction_length > page_size;
  if (offset < page_size && !may_straddle) {
    if (back) note_call(*back);
    a.long_().jmp(out);
    exit->patch = static_cast<u32>(a.offset()) - 4;
  } else {
    a.mov(t0, CPU_FIELD(translated.code_page));
    const i64 distance = static_cast<i64>(offset);
    if (distance == static_cast<i32>(distance)) {
      a.lea(t0, x86::ptr(t0, static_cast<i32>(distance)));
    } else {
      a.mov(t1, distance);
      a.add(t0, t1);
    }
    look_up(nullptr, out, back);
  }
  cold([=, this] {
    a.bind(out);
    leave(exit);
  });
}

/// After all of the instruction in hand but the jump to t0, where the kind is Jump.
const Exit* Emitter::pay_for_indirect(Exit::Kind kind, const Label& unknown) {
  a.mov(CPU_FIELD(translated.target), t0);
  flags_to_memory();
  pay();
  give_homes_back();
  a.jl(unknown);
  a.mov(t0, CPU_FIELD(translated.target));
  const Exit* const exit = new_exit(kind);
  cold([=, this] {
    a.bind(unknown);
    leave(exit);
  });
  return exit;
}

void Emitter::jump_indirect(const MakeCode& before) {
  const Label unknown = a.newLabel();
  pay_for_indirect(Exit::Kind::Operation, unknown);
  look_up(before, unknown);
}

/// Makes a frame (thunks.h), in place of all that are there where they are too many. Uses t0.
void Emitter::note_call(const Label& back) {
  const Label too_deep = a.newLabel(), go_on = a.newLabel();
  a.cmp(x86::rsp, CPU_FIELD(translated.deepest));
  a.jbe(too_deep);
  a.bind(go_on);
  return_address(t0);
  a.push(t0);
  a.lea(t0, x86::ptr(back));
  a.push(t0);
  cold([=, this] {
    a.bind(too_deep);
    a.mov(x86::rsp, CPU_FIELD(translated.deepest));
    a.add(x86::rsp, frames_bytes);
    a.jmp(go_on);
  });
}

/// RET comes here with the guest's address in t0, and has paid and looked at the budget.
void Emitter::come_back(const Label& back) {
  now = {};
  a.bind(back);
  a.lea(x86::rsp, x86::ptr(x86::rsp, 16));
  a.lea(home(RSP), x86::ptr(home(RSP), 8));
  a.lea(t0, x86::ptr(t0, -static_cast<i32>((block->physical & page_offset_mask) + block->branch.next.delta)));
  a.mov(CPU_FIELD(translated.code_page), t0);
  go_outside(&block->branch.next, a.newLabel());
}

void Emitter::call_direct() {
  flags_to_memory();
  pay();
  give_homes_back();
  const Label out = a.newLabel(), back = a.newLabel();
  a.jl(out);
  go_outside(&block->branch.taken, out, &back);
  come_back(back);
}

void Emitter::call_indirect() {
  const Label unknown = a.newLabel(), back = a.newLabel();
  pay_for_indirect(Exit::Kind::Jump, unknown);
  look_up(nullptr, unknown, &back);
  come_back(back);
}

void Emitter::return_to_caller() {
  const Label unknown = a.newLabel(), elsewhere = a.newLabel();
  const Exit* const exit = pay_for_indirect(Exit::Kind::Operation, unknown);
  a.mov(t1, reinterpret_cast<u64>(exit));  // for the first frame, whose address leads to leave
  a.cmp(t0, noted_address);
  a.jne(elsewhere);
  a.jmp(x86::ptr(x86::rsp));
  cold([=, this, where = block] {
    block = where;
    a.bind(elsewhere);
    look_up([this] { a.lea(home(RSP), x86::ptr(home(RSP), 8)); }, unknown);
  });
}

}  // namespace tsbhyve::soft
