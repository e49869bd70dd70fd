// SPDX-License-Identifier: BSD-2-Clause
#include "soft/handler_table.h"

#include "soft/families.h"
#include "soft/leave.h"

namespace tsbhyve::soft {

namespace {

HandlerTable make_table() {
  HandlerTable table;
  for (auto add :
       {add_arithmetic, add_multiply, add_shift,     add_bit,         add_decimal,     add_move,       add_atomic,
        add_stack,      add_branch,   add_string,    add_far,         add_fast_call,   add_descriptor, add_control,
        add_port,       add_sse_move, add_sse_float, add_sse_convert, add_sse_integer, add_sse_later,  add_x87}) {
    add(table);
  }
  return table;
}

}  // namespace

void undefined_opcode(Cpu* cpu, const Op* op) { raise(cpu, op, Vector::UD); }

Handler choose_handler(const Instruction& instruction, bool flags_live) {
  static const HandlerTable table = make_table();
  const Select select = table.select[static_cast<size_t>(instruction.opcode)];
  Handler handler = select ? select(instruction, flags_live) : nullptr;
  return handler ? handler : undefined_opcode;
}

}  // namespace tsbhyve::soft
