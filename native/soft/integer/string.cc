// SPDX-License-Identifier: BSD-2-Clause
// MOVS, STOS and LODS.
#include "soft/integer/string.h"

#include "soft/families.h"
#include "soft/integer/bulk.h"
#include "soft/integer/parts.h"

namespace tsbhyve::soft {

namespace {

/// F2 and F3 alike repeat these until the count runs out.
struct Counted {
  static bool ends_repeat(const Cpu*, const Op*) { return false; }
};

template <class T>
struct Move : Counted {
  static void one(Cpu* cpu, const Op* op) {
    const T value = load_in<T>(cpu, op, string_source(cpu, op, sizeof(T)), op->segment);
    store_in<T>(cpu, op, string_destination(cpu, op, sizeof(T), true), value, ES);
    step_pointer(cpu, op, RSI, sizeof(T));
    step_pointer(cpu, op, RDI, sizeof(T));
  }
  static u64 many(Cpu* cpu, const Op* op, u64 most) { return move_many(cpu, op, most, sizeof(T)); }
};

template <class T>
struct Store : Counted {
  static void one(Cpu* cpu, const Op* op) {
    store_in<T>(cpu, op, string_destination(cpu, op, sizeof(T), true), read_gpr<T>(cpu, RAX * 8), ES);
    step_pointer(cpu, op, RDI, sizeof(T));
  }
  static u64 many(Cpu* cpu, const Op* op, u64 most) { return store_many(cpu, op, most, sizeof(T)); }
};

template <class T>
struct Load : Counted {
  static void one(Cpu* cpu, const Op* op) {
    write_gpr<T>(cpu, RAX * 8, load_in<T>(cpu, op, string_source(cpu, op, sizeof(T)), op->segment));
    step_pointer(cpu, op, RSI, sizeof(T));
  }
  static u64 many(Cpu*, const Op*, u64) { return 0; }
};

}  // namespace

void add_string(HandlerTable& table) {
  table.set(Opcode::Movs, select_string<Move>);
  table.set(Opcode::Stos, select_string<Store>);
  table.set(Opcode::Lods, select_string<Load>);
  add_scan_string(table);
}

}  // namespace tsbhyve::soft
