// SPDX-License-Identifier: BSD-2-Clause
// Guest memory from translated code: the fast tables are looked at inline, everything else is a call.
#include "soft/host/rounding.h"
#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

bool fits(i64 value) { return value == static_cast<i32>(value); }

// The offset of an entry is taken from the address at once.
static_assert(sizeof(FastEntry) == 32);
constexpr u32 entry_shift = 12 - 5, entry_mask = (fast_entries - 1) << 5;
static_assert(entry_mask >> (32 - entry_shift) == 0);

/// Of the entry that t1 leads to.
Mem host_page() { return x86::ptr(fast, t1, 0, offsetof(FastEntry, host_page), 8); }

}  // namespace

bool Emitter::can_address() const { return fits(instruction->memory.displacement) && instruction->address_size >= 4; }

void Emitter::address() {
  clobber();
  const MemoryOperand& memory = instruction->memory;
  const i32 displacement = static_cast<i32>(memory.displacement);
  if (memory.base == rip_register) {
    const i64 from_page =
        static_cast<i64>(block->physical & page_offset_mask) + op->offset + instruction->length + displacement;
    a.mov(t0, CPU_FIELD(translated.code_page));
    if (fits(from_page)) {
      a.lea(t0, x86::ptr(t0, static_cast<i32>(from_page)));
    } else {
      a.mov(t1, from_page);
      a.add(t0, t1);
    }
  } else if (memory.base != no_register && memory.index != no_register) {
    const Gp base = value_of(memory.base, 8, t0), index = value_of(memory.index, 8, t1);
    a.lea(t0, x86::ptr(base, index, memory.scale, displacement));
  } else if (memory.index != no_register) {
    a.lea(t0, x86::ptr(u64{0}, value_of(memory.index, 8, t0), memory.scale));
    if (displacement) a.add(t0, displacement);
  } else if (memory.base != no_register) {
    const Gp base = value_of(memory.base, 8, t0);
    if (displacement)
      a.lea(t0, x86::ptr(base, displacement));
    else if (base.id() != t0.id())
      a.mov(t0, base);
  } else {
    a.mov(t0, i64{displacement});
  }
  if (instruction->address_size == 4) a.mov(t0.r32(), t0.r32());
  if (memory.segment >= FS)
    a.add(t0, field(offsetof(Cpu, segment) + memory.segment * sizeof(Segment) + offsetof(Segment, base)));
}

Site Emitter::here(u32 size, u8 segment) {
  const i32 ahead = static_cast<i32>(now.pending + block->count) - static_cast<i32>(max_region_instructions);
  return {block, region_, kept_flags(), ahead, op->position, static_cast<u8>(size), segment};
}

const Site* Emitter::site(u32 size, u8 segment) { return region_->make<Site>(here(size, segment)); }

Mem Emitter::tag(bool write) const {
  return x86::ptr(fast, t1, 0, write ? offsetof(FastEntry, write_tag) : offsetof(FastEntry, read_tag), 8);
}

/// t1 = offset of the entry for t0, and t0 = offset on the page, if that is the entry's: all other addresses make
/// something larger of it, as does an access that does not end there.
void Emitter::probe(u32 size, bool write, bool aligned, const Label& slow) {
  if (has_bmi2_) {
    a.rorx(t1.r32(), t0.r32(), entry_shift);
  } else {
    a.mov(t1.r32(), t0.r32());
    a.shr(t1.r32(), entry_shift);
  }
  a.and_(t1.r32(), entry_mask);
  a.xor_(t0, tag(write));
  a.cmp(t0, static_cast<i32>(page_size - size));
  a.ja(slow);
  if (!aligned || size == 1) return;
  a.test(t0.r32(), static_cast<i32>(size - 1));
  a.jnz(slow);
}

/// Where probe() leads to `slow`: t0 is the address again.
void Emitter::miss(const Label& slow, bool write) {
  a.bind(slow);
  a.xor_(t0, tag(write));
}

/// After probe(): t0 = host address.
void Emitter::to_host() { a.add(t0, host_page()); }

// The three that follow are told where the operand is, and go to C++ at `slow`.

void Emitter::load_from(const Mem& from, u32 size, const Label& slow, const Site* at, const Gp* into) {
  const Label back = a.newLabel();
  const Gp to = into ? *into : t0;
  if (size < 4)
    a.movzx(to.r32(), from);
  else
    a.mov(sized(to, size), from);
  a.bind(back);
  cold([=, this, vectors = now.vectors] {
    miss(slow, false);
    call(thunks_.load, at);
    if (to.id() != t0.id()) a.mov(sized(to, size), sized(t0, size));
    return_to(back, vectors);
  });
}

void Emitter::store_to(const Mem& to, const Label& slow, const Site* at, const MakeValue& make) {
  const Label back = a.newLabel();
  a.emit(x86::Inst::kIdMov, to, make());
  a.bind(back);
  cold([=, this, state = now, of = instruction, where = block, which = op] {
    now = state, instruction = of, block = where, op = which;
    miss(slow, true);
    const asmjit::Operand value = make();
    if (value.isImm())
      a.mov(CPU_FIELD(translated.stored), value.as<asmjit::Imm>());
    else
      a.mov(CPU_FIELD(translated.stored), value.as<Gp>().r64());
    call(thunks_.store, at);
    return_to(back, state.vectors);
  });
}

void Emitter::update_at(const Mem& value, u32 size, const Label& slow, const Site* at, const MakeCode& change) {
  const Label back = a.newLabel();
  if (size < 4)
    a.movzx(t1.r32(), value);
  else
    a.mov(sized(t1, size), value);
  change();
  a.mov(value, sized(t1, size));
  a.bind(back);
  cold([=, this, state = now, of = instruction, where = block, which = op] {
    now = state, instruction = of, block = where, op = which;
    miss(slow, true);
    call(thunks_.update, at);
    change();
    a.mov(CPU_FIELD(translated.stored), t1);
    call(thunks_.store, at);
    a.mov(t1, CPU_FIELD(translated.stored));
    return_to(back, state.vectors);
  });
}

/// Where t0 leads. A load takes the host page as an index, which is there before an address would be.
Mem Emitter::find(u32 size, bool write, const Label& slow) {
  probe(size, write, false, slow);
  if (!write) {
    a.mov(t1, host_page());
    return x86::ptr(t0, t1, 0, 0, size);
  }
  to_host();
  return x86::ptr(t0, 0, size);
}

void Emitter::load(u32 size, u8 segment, const Gp* into) {
  const Label slow = a.newLabel();
  const Site* const at = site(size, segment);
  load_from(find(size, false, slow), size, slow, at, into);
}

void Emitter::store(u32 size, u8 segment, const MakeValue& make) {
  const Label slow = a.newLabel();
  const Site* const at = site(size, segment);
  store_to(find(size, true, slow), slow, at, make);
}

Mem Emitter::direct(u32 size, bool write, bool aligned) {
  probe(size, write, aligned, direct_slow_);
  to_host();
  return x86::ptr(t0, 0, size);
}

void Emitter::begin_sse(bool is_float) {
  begin_direct();
  clobber();
  if (!now.sse_ready) {
    a.test(CPU_FIELD32(cr0), static_cast<i32>(cr0::EM | cr0::TS));
    a.jnz(direct_slow_);
    a.test(CPU_FIELD32(cr4), static_cast<i32>(cr4::OSFXSR));
    a.jz(direct_slow_);
    now.sse_ready = true;
  }
  if (!is_float) return;
  // Exceptions are masked, and the inexact flag stands: then nothing has to be cleared before (sse/compute.h).
  constexpr i32 wanted = host::mxcsr_masks | host::mxcsr_inexact;
  a.mov(t0.r32(), CPU_FIELD32(mxcsr));
  a.and_(t0.r32(), wanted);
  a.cmp(t0.r32(), wanted);
  a.jne(direct_slow_);
}

void Emitter::finish_direct(bool with_flags) { finish_row({operation_site()}, with_flags); }

void Emitter::finish_row(std::vector<const Site*> sites, bool with_flags) {
  const Label back = a.newLabel();
  a.bind(back);
  cold([=, this, slow = direct_slow_, vectors = now.vectors, each = std::move(sites)] {
    a.bind(slow);
    for (const Site* at : each) call(thunks_.operation, at);
    if (with_flags) {
      a.push(t0);
      a.popfq();
    }
    return_to(back, vectors);
  });
}

}  // namespace tsbhyve::soft
