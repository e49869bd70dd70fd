// SPDX-License-Identifier: BSD-2-Clause
// A batch: code that many cases share, because preparing code costs both sides more than running it.
#pragma once

#include <optional>
#include <vector>

#include "forms.h"
#include "random.h"
#include "state.h"

namespace tsbhyve::differential {

struct Batch {
  Case test;  // code and setting; draw_case fills in the rest
  std::vector<Instruction> instructions;
  bool is_exact = true;  // a block whose results depend on nothing undefined: the host can judge it

  bool is_block() const { return instructions.size() > 1; }
  /// What addresses are aimed for: nothing in a block.
  const Instruction& subject() const;
};

/// Decodes the code of test and derives everything else. Nothing when it does not decode.
std::optional<Batch> batch_of(Setting setting, u64 start, const std::vector<u8>& code);

/// One instruction of the form.
std::optional<Batch> draw_single(const Form& form, Random& random);

/// 5 to 30 instructions for the same width of code.
class BlockMaker {
 public:
  explicit BlockMaker(const std::vector<Form>& forms);
  std::optional<Batch> draw(Random& random) const;

 private:
  std::vector<Form> integer_[3], other_[3];  // by CodeSize
};

}  // namespace tsbhyve::differential
