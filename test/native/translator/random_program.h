// SPDX-License-Identifier: BSD-2-Clause
// Loops of chance: everything that the translator has code for, and some that it has not, in blocks that lead to each
// other.
#pragma once

#include <cstdint>
#include <vector>

namespace tsbhyve::test {

/// Runs at code_at. R14 holds data_at, R15 counts the rounds down; it ends with HLT.
class RandomProgram {
 public:
  explicit RandomProgram(std::uint64_t seed) : state_(seed) {}

  enum class Kind { Plain, RewritesItself /* an immediate, in every round */, Faults /* when 128 rounds are left */ };
  std::vector<int> make(Kind kind = Kind::Plain);

 private:
  std::uint32_t below(std::uint32_t bound);
  bool chance(std::uint32_t one_in) { return below(one_in) == 0; }
  void put(std::initializer_list<int> bytes) { code_.insert(code_.end(), bytes); }
  void immediate(std::uint32_t bytes);
  int drawn_register();
  int rex(bool wide, int reg, int rm);
  void with_register(std::initializer_list<int> opcode, int reg, int rm, bool wide, int prefix = 0);
  void with_memory(std::initializer_list<int> opcode, int reg, bool wide, int prefix = 0);
  void arithmetic();
  void shift();
  void product();
  void move();
  void bits();
  void memory();
  void exchange();
  void stack();
  void vector();
  void floating();
  void skip_some();
  void call_and_return();
  void instruction();
  void rewrite();
  void fault();

  std::uint64_t state_;
  std::vector<int> code_;
  int depth_ = 0;
};

}  // namespace tsbhyve::test
