// SPDX-License-Identifier: BSD-2-Clause
// From a form to code, and from code to cases.
#pragma once

#include "forms.h"
#include "random.h"
#include "state.h"

namespace tsbhyve::differential {

/// Completes a form with registers, addressing, displacements, immediates and needless prefixes. False when chance
/// would not have it.
bool draw_instruction(const Form& form, Setting setting, Random& random, u8* bytes, Instruction& instruction);

/// Draws everything but the code. `instruction` is the one that addresses are aimed for.
void draw_state(const Instruction& instruction, Random& random, Case& test);

/// Gives displacements that no register completes a chance to hit the window, and branches one to land near.
void steer(Setting setting, Random& random, u8* bytes, size_t modrm_at, Instruction& instruction);

/// Makes the registers that form addresses point into the window, mostly.
void aim(const Instruction& instruction, Random& random, Case& test);

/// Whether the opcode reads its memory or register operand as a selector.
bool loads_selector(Opcode opcode);
bool is_far_transfer(Opcode opcode);
u16 draw_code_selector(Opcode opcode, Setting setting, Random& random);
u64 draw_code_offset(Random& random);

/// Whether the host and Intel's rule book part ways on this encoding, or a prefix makes it another instruction there.
bool means_the_same(const u8* bytes, const Instruction& instruction);

}  // namespace tsbhyve::differential
