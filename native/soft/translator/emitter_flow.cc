// SPDX-License-Identifier: BSD-2-Clause
// From block to block, to other regions, and back to tier 1.
#include "soft/handler_table.h"
#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

void end_of_copy(Cpu*, const Op*) {}

}  // namespace

void Emitter::call(u64 thunk, const Site* with) {
  a.mov(t1, reinterpret_cast<u64>(with));
  if (homes_.loans.empty()) {
    a.call(thunk);
  } else {
    const auto [at, is_new] = calls_.try_emplace(thunk);
    if (is_new) at->second = a.newLabel();
    a.call(at->second);
  }
  now.vectors = 0;  // C++ may use all of the host's
  if (thunk != thunks_.settle && thunk != thunks_.flags) now.places = {};
}

/// Moves leave the flags as they are.
void Emitter::borrow_homes() {
  for (const Loan& loan : homes_.loans) {
    a.mov(slot(loan.owner), home(loan.borrower));
    a.mov(home(loan.borrower), slot(loan.borrower));
  }
}

void Emitter::give_homes_back() {
  for (const Loan& loan : homes_.loans) {
    a.mov(slot(loan.borrower), home(loan.borrower));
    a.mov(home(loan.borrower), slot(loan.owner));
  }
}

/// Thunks know usual homes only.
void Emitter::emit_calls() {
  for (const auto& [thunk, label] : calls_) {
    a.bind(label);
    give_homes_back();
    a.push(t0);  // for the alignment of the stack
    a.call(thunk);
    a.lea(x86::rsp, x86::ptr(x86::rsp, 8));
    borrow_homes();
    a.ret();
  }
}

Exit* Emitter::new_exit(Exit::Kind kind) {
  Exit* const made = region_->make<Exit>();
  made->kind = kind;
  made->region = region_;
  made->block = block;
  made->op = op;
  made->flags = kept_flags();
  made->next = region_->exits;
  return region_->exits = made;
}

/// The recipe for the flags as they are now, for as long as the region lives.
const FlagRecipe* Emitter::kept_flags() {
  if (now.flags == FlagRecipe{}) return nullptr;
  if (!last_kept_ || !(now.flags == *last_kept_)) last_kept_ = region_->make<FlagRecipe>(now.flags);
  return last_kept_;
}

void Emitter::leave(const Exit* by) {
  a.mov(t1, reinterpret_cast<u64>(by));
  a.jmp(thunks_.leave);
}

/// For all up to the end of the block in hand. The host's condition "less" then says that too little is left for
/// another region or round.
void Emitter::pay() {
  const u32 instructions = now.pending + block->count;
  a.sub(CPU_FIELD(budget), static_cast<i32>(instructions));
  now.host = 0;
}

const Site* Emitter::operation_site() {
  auto* const alone = region_->make<OperationSite>(here(0, 0), *op, Op{});
  alone->copy.handler = choose_handler(*instruction, true);
  alone->end.handler = end_of_copy;
  return alone;
}

void Emitter::run_operation() {
  clobber();
  call(thunks_.operation, operation_site());
  drop_flags();
  if (!live_after || opcode_info(instruction->opcode).flags_written == 0) return;
  a.mov(CPU_FIELD(translated.captured), t0);
  set_flags(FlagOrigin::Captured, 8, 0);
  now.uncaptured = false;
}

void Emitter::run_string(bool moves) {
  const Label rest = a.newLabel();
  clobber();
  call(moves ? thunks_.move_string : thunks_.store_string, site(instruction->operand_size, 0));
  a.test(t0.r32(), t0.r32());
  a.jz(rest);
  cold([=, this, state = now, of = instruction, where = block, which = op] {
    now = state, instruction = of, block = where, op = which;
    a.bind(rest);
    leave_to_operation();
  });
}

void Emitter::leave_to_operation() {
  clobber();
  pay();
  give_homes_back();
  leave(new_exit(Exit::Kind::Operation));
}

void Emitter::follow(const Link* link, int to) {
  if (to != outside) {
    const auto index = static_cast<size_t>(to);
    if (!plan_[index].header) {
      CodeState state = now;
      state.pending += block->count;
      const Label label = a.newLabel();
      a.jmp(label);
      waiting_.push_back({index, state, label});
      return;
    }
    if (plan_[index].live_in)
      flags_to_memory();
    else
      clobber();  // but whoever is stopped here sees them
    pay();
    stop_short_of(index);
    a.jmp(labels_[index]);
    return;
  }
  flags_to_memory();
  pay();
  give_homes_back();
  const Label out = a.newLabel();
  a.jl(out);
  go_outside(link, out);
}

u32 Emitter::longest_from(size_t index) const {
  u32 longest = 0;
  for (const int to : {plan_[index].taken, plan_[index].next}) {
    if (to == outside || plan_[static_cast<size_t>(to)].header) continue;
    longest = std::max(longest, longest_from(static_cast<size_t>(to)));
  }
  return longest + plan_[index].block->count;
}

/// After pay(): goes to tier 1 with the block at `header` where too little is left.
void Emitter::stop_short_of(size_t header) {
  const Label short_of_budget = a.newLabel();
  Exit* const by = new_exit(Exit::Kind::Block);
  by->block = plan_[header].block;
  a.jl(short_of_budget);
  cold([this, short_of_budget, by] {
    a.bind(short_of_budget);
    give_homes_back();
    leave(by);
  });
}

/// Whoever jumps to a header has paid and looked at the budget, and left the flags in memory if they live there.
void Emitter::begin_header(size_t index) {
  now = {};
  block = plan_[index].block;
  op = block->ops();
  if (index == 0) region_->longest = longest_from(index);
}

bool Emitter::emit_instructions(PlannedBlock& planned) {
  planned_ = &planned;
  for (position = 0; position < planned.instructions.size(); position++) {
    instruction = &planned.instructions[position];
    op = &block->ops()[position];
    live_after = planned.live_after[position] != 0;
    if (opcode_info(instruction->opcode).ends_block) return true;
    if (const u32 row = translate_row(*this, planned)) {
      for (u32 i = 0; i < row; i++) follow_bases(now.places, planned.instructions[position + i]);
      position += row - 1;
      continue;
    }
    if (!translate(*this)) run_operation();
    follow_bases(now.places, planned.instructions[position]);
  }
  return false;
}

/// What comes after a block; the index of the block that is to follow at once, or `outside`.
int Emitter::emit_end(PlannedBlock& planned) {
  const bool ends = emit_instructions(planned);
  if (ends && instruction->opcode == Opcode::Jcc) {
    const u8 holds = certain_condition(instruction->condition);
    const Label taken = a.newLabel();
    a.emit(jump_id(holds), taken);
    const bool inherits = planned.taken != outside && !plan_[static_cast<size_t>(planned.taken)].header;
    if (inherits) {
      CodeState state = now;
      state.pending += block->count;
      waiting_.push_back({static_cast<size_t>(planned.taken), state, taken});
    } else {
      cold([=, this, state = now, where = block, which = op, of = instruction, to = planned.taken] {
        now = state, block = where, op = which, instruction = of;
        a.bind(taken);
        follow(&where->branch.taken, to);
      });
    }
  } else if (ends && instruction->opcode == Opcode::Jmp) {
    if (planned.taken != outside && !plan_[static_cast<size_t>(planned.taken)].header) return planned.taken;
    follow(&block->branch.taken, planned.taken);
    return outside;
  } else if (ends) {
    if (!translate_branch(*this, planned)) leave_to_operation();
    return outside;
  }
  if (planned.next != outside && !plan_[static_cast<size_t>(planned.next)].header) return planned.next;
  follow(&block->branch.next, planned.next);
  return outside;
}

void Emitter::emit_from(size_t index) {
  for (int next = static_cast<int>(index); next != outside;) {
    PlannedBlock& planned = plan_[static_cast<size_t>(next)];
    block = planned.block;
    next = emit_end(planned);
    if (next != outside) now.pending += block->count;
  }
}

bool Emitter::emit_region() {
  for (Label& label : labels_) label = a.newLabel();
  borrow_homes();
  for (size_t i = 0; i < plan_.size(); i++) {
    if (!plan_[i].header) continue;
    begin_header(i);
    a.bind(labels_[i]);
    emit_from(i);
    while (!waiting_.empty()) {
      const Waiting next = waiting_.back();
      waiting_.pop_back();
      a.bind(next.label);
      now = next.state;
      emit_from(next.index);
    }
  }
  // More may be added on the way.
  for (size_t i = 0; i < cold_.size(); i++) {
    const MakeCode emit = std::move(cold_[i]);
    emit();
  }
  emit_calls();
  return true;
}

}  // namespace tsbhyve::soft
