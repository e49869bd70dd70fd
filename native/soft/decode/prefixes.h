// SPDX-License-Identifier: BSD-2-Clause
// Legacy and REX prefixes of one instruction (SDM volume 2, 2.1.1 and 2.2.1).
#pragma once

#include "soft/decode/cursor.h"
#include "soft/decode/table.h"

namespace tsbhyve::soft {

struct Prefixes {
  bool operand_size = false;     // 66
  bool address_size = false;     // 67
  bool lock = false;             // F0
  Repeat repeat = Repeat::None;  // the last of F2 and F3
  u8 segment = no_register;      // override in effect
  bool rex = false;
  bool w = false;
  u8 r = 0, x = 0, b = 0;  // REX bits, already at their place: 0 or 8
  u8 opcode = 0;           // the byte after the prefixes

  /// Which column of the opcode maps: F2 and F3 outrank 66.
  Column column() const {
    if (repeat == Repeat::Rep) return Column::PrefixF3;
    if (repeat == Repeat::Repne) return Column::PrefixF2;
    return operand_size ? Column::Prefix66 : Column::NoPrefix;
  }
};

/// Reads prefixes and the first opcode byte.
Prefixes read_prefixes(Cursor& cursor, CodeSize code_size);

}  // namespace tsbhyve::soft
