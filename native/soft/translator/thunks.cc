// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/thunks.h"

#include "engine/engine.h"
#include "soft/translator/assemble.h"
#include "soft/translator/calls.h"
#include "soft/translator/host.h"
#include "soft/translator/places.h"

namespace tsbhyve::soft {

namespace {

using namespace host_code;

using Assembler = x86::Assembler;

constexpr u8 guests = 16;

/// Host registers that C++ functions may change (System V ABI).
bool is_volatile(u8 host) { return host <= 2 || (host >= 6 && host <= 11); }

void spill(Assembler& a) {
  for (u8 guest = 0; guest < guests; guest++) {
    if (const u8 home = usual_homes[guest]; home != in_memory) a.mov(slot(guest), x86::gpq(home));
  }
}

void reload(Assembler& a, bool all) {
  for (u8 guest = 0; guest < guests; guest++) {
    const u8 home = usual_homes[guest];
    if (home != in_memory && (all || is_volatile(home))) a.mov(x86::gpq(home), slot(guest));
  }
}

const Gp kept[] = {x86::rbx, x86::rbp, x86::r12, x86::r13, x86::r14, x86::r15};

void make_enter(Assembler& a, u64 leave) {
  for (const Gp& reg : kept) a.push(reg);
  a.sub(x86::rsp, 8);
  a.push(0);  // whoever returns to this very address leaves, which is no more than slow
  a.mov(t0, leave);
  a.push(t0);
  a.lea(state, x86::ptr(x86::rdi, bias));
  a.lea(t0, x86::ptr(x86::rsp, -frames_bytes));
  a.mov(CPU_FIELD(translated.deepest), t0);
  a.mov(t0, x86::rsi);
  a.sub(CPU_FIELD(budget), static_cast<i32>(max_region_instructions));
  a.mov(fast, CPU_FIELD(fast));
  reload(a, true);
  a.jmp(t0);
}

void make_leave(Assembler& a) {
  spill(a);
  a.add(CPU_FIELD(budget), static_cast<i32>(max_region_instructions));
  a.mov(x86::rax, t1);
  a.mov(x86::rsp, CPU_FIELD(translated.deepest));
  a.add(x86::rsp, frames_bytes + 16 + 8);
  for (size_t i = std::size(kept); i-- > 0;) a.pop(kept[i]);
  a.ret();
}

/// Calls function(cpu, site, t0, what is to be stored). The stack is aligned but for the return address.
void make_call(Assembler& a, const void* function, const Gp* result, bool reload_all, bool leaves_memory) {
  spill(a);
  a.push(t0);
  a.lea(x86::rdi, x86::ptr(state, -bias));
  a.mov(x86::rsi, t1);
  a.mov(x86::rdx, t0);
  a.mov(x86::rcx, CPU_FIELD(translated.stored));
  a.mov(x86::rax, reinterpret_cast<u64>(function));
  a.call(x86::rax);
  a.pop(t0);
  if (result) a.mov(*result, x86::rax);
  reload(a, reload_all);
  if (reload_all) a.mov(fast, CPU_FIELD(fast));
  for (size_t i = 0; i < place_count && !leaves_memory; i++) a.mov(place_slot(i), 0);
  a.ret();
}

}  // namespace

Thunks make_thunks(const CodeMemory& memory) {
  asmjit::CodeHolder code;
  code.init(host_environment());
  Assembler a(&code);
  Thunks thunks;
  const auto here = [&] {
    a.align(asmjit::AlignMode::kCode, 16);
    return reinterpret_cast<u64>(memory.runnable()) + a.offset();
  };
  const auto call = [&](u64& entry, const void* function, const Gp* result, bool all, bool leaves_memory = false) {
    entry = here();
    make_call(a, function, result, all, leaves_memory);
  };
  thunks.leave = here();
  make_leave(a);
  const u64 enter = here();
  make_enter(a, thunks.leave);
  call(thunks.load, reinterpret_cast<const void*>(translated_load), &t0, false);
  call(thunks.store, reinterpret_cast<const void*>(translated_store), nullptr, false);
  call(thunks.update, reinterpret_cast<const void*>(translated_update), &t1, false);
  call(thunks.operation, reinterpret_cast<const void*>(translated_operation), &t0, true);
  call(thunks.move_string, reinterpret_cast<const void*>(translated_move_string), &t0, false);
  call(thunks.store_string, reinterpret_cast<const void*>(translated_store_string), &t0, false);
  call(thunks.settle, reinterpret_cast<const void*>(translated_settle), nullptr, false, true);
  call(thunks.flags, reinterpret_cast<const void*>(translated_flags), &t0, false, true);
  if (finish_code(code)) thunks.size = copy_code(code, memory, 0, memory.size());
  if (thunks.size == 0) throw EngineError{0, "asmjit", "the translator's entry cannot be made"};
  thunks.enter = reinterpret_cast<const Exit* (*)(Cpu*, const u8*)>(enter);
  return thunks;
}

}  // namespace tsbhyve::soft
