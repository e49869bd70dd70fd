// SPDX-License-Identifier: BSD-2-Clause
// SCAS and CMPS. REPE goes on while ZF is set, REPNE while it is clear.
#include "soft/integer/parts.h"
#include "soft/integer/string.h"

namespace tsbhyve::soft {

namespace {

struct Comparing {
  static u64 many(Cpu*, const Op*, u64) { return 0; }
  static bool ends_repeat(const Cpu* cpu, const Op* op) { return zero_flag(cpu) == ((op->bits & op_repne) != 0); }
};

template <class T>
void compare(Cpu* cpu, T left, T right) {
  set_lazy<T>(cpu, FlagKind::Sub, static_cast<T>(left - right), left, right);
}

template <class T>
struct Scan : Comparing {
  static void one(Cpu* cpu, const Op* op) {
    const T right = load_in<T>(cpu, op, string_destination(cpu, op, sizeof(T), false), ES);
    compare<T>(cpu, read_gpr<T>(cpu, RAX * 8), right);
    step_pointer(cpu, op, RDI, sizeof(T));
  }
};

template <class T>
struct Compare : Comparing {
  static void one(Cpu* cpu, const Op* op) {
    const T left = load_in<T>(cpu, op, string_source(cpu, op, sizeof(T)), op->segment);
    const T right = load_in<T>(cpu, op, string_destination(cpu, op, sizeof(T), false), ES);
    compare<T>(cpu, left, right);
    step_pointer(cpu, op, RSI, sizeof(T));
    step_pointer(cpu, op, RDI, sizeof(T));
  }
};

}  // namespace

void add_scan_string(HandlerTable& table) {
  table.set(Opcode::Scas, select_string<Scan>);
  table.set(Opcode::Cmps, select_string<Compare>);
}

}  // namespace tsbhyve::soft
