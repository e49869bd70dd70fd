// SPDX-License-Identifier: BSD-2-Clause
// Where the model processor differs from what Zydis knows, and what Zydis calls things.
#pragma once

#include <Zydis/Zydis.h>

#include <string>

#include "soft/decode/instruction.h"

namespace tsbhyve::soft::test {

struct Disassembly {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/// False for instructions that a processor of this model answers with #UD although Zydis knows them.
bool in_feature_set(const Disassembly& zydis);

/// Zydis' mnemonic in the terms of opcodes.def, in lower case; `condition` is set for Jcc, Setcc and Cmovcc.
std::string our_name(const Disassembly& zydis, int& condition);

/// True if this difference is one of the accepted ones; zydis_names.cc gives the reason of each.
bool is_known_difference(Opcode opcode, const std::string& difference);

}  // namespace tsbhyve::soft::test
