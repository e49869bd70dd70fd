// SPDX-License-Identifier: BSD-2-Clause
// Every encoding form of the decoder that can run at CPL 3 with a result that depends on nothing but the case.
#pragma once

#include <string>
#include <vector>

#include "state.h"

namespace tsbhyve::differential {

enum class Family : u8 { Integer, Branch, String, System, X87, Sse, Count };
const char* family_name(Family family);
Family family_of(Opcode opcode);

/// One opcode byte of one map with a mandatory prefix and REX.W, its ModRM extension and whether it names memory.
struct Form {
  CodeSize code_size;
  u8 map;  // index into opcode_maps
  u8 opcode_byte, prefix;
  bool rex_w;
  u8 modrm;  // an example
  bool memory;
  Opcode opcode;
};

struct OpcodeMapBytes {
  u8 count, bytes[2];
};
inline constexpr OpcodeMapBytes opcode_maps[] = {{0, {}}, {1, {0x0f}}, {2, {0x0f, 0x38}}, {2, {0x0f, 0x3a}}};

std::vector<Form> all_forms();
std::string describe(const Form& form);

/// Whether the case may hold this instruction: no system calls, nothing of this machine's identity or clock.
bool testable(const Instruction& instruction);
bool names_memory(const Instruction& instruction);
inline bool is_x87_form(u8 map, u8 opcode_byte) { return map == 0 && (opcode_byte & 0xf8) == 0xd8; }

}  // namespace tsbhyve::differential
