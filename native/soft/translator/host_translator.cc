// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/host_translator.h"

#include <algorithm>

#include "soft/block_cache.h"
#include "soft/leave.h"
#include "soft/perf_map.h"
#include "soft/translator/assemble.h"
#include "soft/translator/emitter.h"
#include "soft/translator/exceptions.h"

namespace tsbhyve::soft {

namespace {

constexpr size_t code_alignment = 16;

HostTranslator* translator_of(Cpu* cpu) { return static_cast<HostTranslator*>(cpu->translator); }

/// Unaligned accesses of user code may be forbidden: tier 1 then looks at each.
bool checks_alignment(const Cpu* cpu) { return cpu->cpl == 3 && cpu->cr0 & cr0::AM && cpu->rflags & rflags::AC; }

void begin_membership(Region* region, Block* block) {
  block->member_of = region->members = region->make<Membership>(region, block, block->member_of, region->members);
}

void end_membership(const Membership* member) {
  Membership** at = &member->block->member_of;
  while (*at != member) at = &(*at)->next_of_block;
  *at = member->next_of_block;
}

void stand_in(Cpu* cpu, const Exit* by) {
  cpu->block = by->block;
  cpu->gpr[17] = cpu->translated.code_page + (by->block->physical & page_offset_mask);
}

void begin(Cpu* cpu, Block* block) { return block->first(cpu, block->ops()); }

void go_on(Cpu* cpu, const Exit* by) {
  switch (by->kind) {
    case Exit::Kind::Branch: return follow(cpu, by->link);
    case Exit::Kind::Jump: return jump_indirect(cpu, cpu->translated.target);
    case Exit::Kind::Operation:
      if (by->op == by->block->ops()) return begin(cpu, by->block);
      return by->op->handler(cpu, by->op);
    case Exit::Kind::Block:
      if (cpu->budget < by->block->count) {
        cpu->rip = cpu->gpr[17];
        return;
      }
      cpu->budget -= by->block->count;
      return begin(cpu, by->block);
  }
}

/// Stands in place of the first handler of a block that has been translated.
void run_translated(Cpu* cpu, const Op*) {
  Block* const block = cpu->block;
  const bool fits = cpu->budget + block->count >= block->region->longest;
  if (!fits || checks_alignment(cpu) || translator_of(cpu)->is_resting()) return begin(cpu, block);
  cpu->budget += block->count;
  cpu->translated.code_page = cpu->gpr[17] & page_mask;
  const Exit* const by = translator_of(cpu)->run(block->region);
  stand_in(cpu, by);
  settle_flags(cpu, by->flags);
  take_host_exceptions(cpu);
  if (by->kind == Exit::Kind::Branch && by->patch) translator_of(cpu)->connect(const_cast<Exit*>(by));
  return go_on(cpu, by);
}

[[gnu::noinline]] bool translate_now(Cpu* cpu, Block* block) { return translator_of(cpu)->translate(block); }

/// Stands in place of the first handler of every other block.
void count_run(Cpu* cpu, const Op* op) {
  Block* const block = cpu->block;
  if (block->heat > 0) [[likely]] {
    block->heat--;
    return begin(cpu, block);
  }
  if (translator_of(cpu)->is_resting() || !translate_now(cpu, block)) return begin(cpu, block);
  return run_translated(cpu, op);
}

}  // namespace

HostTranslator::HostTranslator(Cpu* cpu, const TranslatorLimits& limits)
    : cpu_(cpu),
      heat_(static_cast<u16>(std::min<u32>(limits.heat, UINT16_MAX))),
      perf_map_(limits.perf_map),
      has_bmi2_(!limits.without_bmi2 && asmjit::CpuInfo::host().features().x86().hasBMI2()),
      memory_(limits.code_bytes),
      thunks_(make_thunks(memory_)) {
  const size_t each = limits.code_bytes / piece_count;
  for (size_t i = 0; i < piece_count; i++) pieces_[i] = {i * each, i * each, (i + 1) * each, {}};
  pieces_[0].start = pieces_[0].used = (thunks_.size + code_alignment - 1) & ~(code_alignment - 1);
}

HostTranslator::~HostTranslator() {
  for (Piece& piece : pieces_) {
    while (!piece.regions.empty()) kill(piece.regions.back());
  }
}

void HostTranslator::watch(Block* block) {
  if (!is_translatable(*block)) return;
  block->first = block->ops()->handler;
  block->heat = heat_;
  block->ops()->handler = count_run;
}

void HostTranslator::forget(Block* block) {
  while (block->member_of) kill(block->member_of->region);
}

bool HostTranslator::translate(Block* block) {
  dead_.clear();
  block->ops()->handler = block->first;  // should it fail, this is not tried again
  Plan plan = plan_region(cpu_, block, heat_);
  if (plan.empty()) return false;
  auto region = std::make_unique<Region>();
  region->entry = block;
  asmjit::CodeHolder code;
  if (code.init(host_environment()) != asmjit::kErrorOk) return false;
  Emitter emitter(&code, thunks_, region.get(), plan, has_bmi2_);
  if (!emitter.emit_region() || !place(code, *region)) return false;
  for (const PlannedBlock& planned : plan) begin_membership(region.get(), planned.block);
  install(std::move(region));
  return true;
}

bool HostTranslator::place(asmjit::CodeHolder& code, Region& region) {
  if (!finish_code(code)) return false;
  const size_t wanted = (code.codeSize() + code_alignment - 1) & ~(code_alignment - 1);
  if (pieces_[current_].used + wanted > pieces_[current_].end) next_piece();
  Piece& piece = pieces_[current_];
  if (piece.used + wanted > piece.end) return false;
  region.size = copy_code(code, memory_, piece.used, wanted);
  if (region.size == 0) return false;
  region.code = memory_.runnable() + piece.used;
  region.writable = memory_.writable() + piece.used;
  region.piece = static_cast<u16>(current_);
  piece.used += wanted;
  return true;
}

void HostTranslator::next_piece() {
  current_ = (current_ + 1) % piece_count;
  Piece& piece = pieces_[current_];
  if (!piece.regions.empty()) counts_.evictions++;
  while (!piece.regions.empty()) kill(piece.regions.back());
  dead_.clear();
  piece.used = piece.start;
}

void HostTranslator::install(std::unique_ptr<Region> made) {
  Region* const region = made.release();
  pieces_[region->piece].regions.push_back(region);
  counts_.regions++;
  counts_.made++;
  counts_.bytes += region->size;
  if (perf_map_) perf_map_->add(region->code, region->size, cpu_->gpr[17]);
  for (Exit* exit = region->exits; exit; exit = exit->next) {
    if (exit->patch) __builtin_memcpy(&exit->unpatched, region->writable + exit->patch, 4);
  }
  Block* const entry = region->entry;
  entry->region = region;
  entry->ops()->handler = run_translated;
  if (JumpEntry& jump = cpu_->jumps[entry->jump_slot]; jump.block == entry) jump.code = region->code;
}

void HostTranslator::connect(Exit* by) {
  if (by->to || by->region->dead || !by->link->block || !by->link->block->region) return;
  Region* const to = by->link->block->region;
  const i64 distance = to->code - (by->region->code + by->patch + 4);
  const i32 stored = static_cast<i32>(distance);
  __builtin_memcpy(by->region->writable + by->patch, &stored, 4);
  by->to = to;
  to->incoming.push_back(by);
}

void HostTranslator::disconnect(Exit* exit) {
  __builtin_memcpy(exit->region->writable + exit->patch, &exit->unpatched, 4);
  std::erase(exit->to->incoming, exit);
  exit->to = nullptr;
}

void HostTranslator::kill(Region* region) {
  region->dead = true;
  Block* const entry = region->entry;
  entry->region = nullptr;
  entry->heat = heat_;
  entry->ops()->handler = count_run;
  if (JumpEntry& jump = cpu_->jumps[entry->jump_slot]; jump.block == entry) jump.code = nullptr;
  while (!region->incoming.empty()) disconnect(region->incoming.back());
  for (Exit* exit = region->exits; exit; exit = exit->next) {
    if (exit->to) disconnect(exit);
  }
  for (const Membership* member = region->members; member; member = member->next_of_region) end_membership(member);
  std::erase(pieces_[region->piece].regions, region);
  counts_.regions--;
  counts_.bytes -= region->size;
  dead_.emplace_back(region);
}

bool HostTranslator::owns(const void* code) const {
  const auto lies_in = [at = static_cast<const u8*>(code)](const u8* start, size_t size) {
    return at >= start && at < start + size;
  };
  if (lies_in(memory_.runnable(), thunks_.size)) return true;
  return std::any_of(pieces_.begin(), pieces_.end(), [&](const Piece& piece) {
    return std::any_of(piece.regions.begin(), piece.regions.end(),
                       [&](const Region* region) { return lies_in(region->code, region->size); });
  });
}

bool region_overlaps(const Region* region, u64 physical, u64 size) {
  for (const Membership* member = region->members; member; member = member->next_of_region) {
    if (BlockCache::overlaps(member->block, physical, size)) return true;
  }
  return false;
}

std::unique_ptr<Translator> Translator::create(Cpu* cpu, const TranslatorLimits& limits) {
  return std::make_unique<HostTranslator>(cpu, limits);
}

}  // namespace tsbhyve::soft
