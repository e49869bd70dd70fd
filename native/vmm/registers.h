// SPDX-License-Identifier: BSD-2-Clause
// Registers of the kernel's vCPU in the contract's list.
#pragma once

#include <span>
#include <vector>

#include "engine/registers.h"
#include "vmm/library.h"

namespace tsbhyve::vmm {

constexpr std::size_t row(Register index) { return static_cast<std::size_t>(index); }

/// Reads and writes whole lists by one call each; only segments take a call each. Rows that the kernel has no name for
/// (CR8, XCR0, events but the interrupt shadow) are zero, and writing them does nothing.
class Registers {
 public:
  Registers(const Library& library, vcpu* processor);

  void get(RegisterGroup groups, std::span<std::uint64_t> values) const;
  void set(RegisterGroup groups, std::span<const std::uint64_t> values);
  /// Writes what differs.
  void update(std::span<const std::uint64_t> before, std::span<const std::uint64_t> after);

  std::uint64_t get_one(int name) const;
  void set_one(int name, std::uint64_t value);

 private:
  void set_list(const std::vector<int>& names, std::vector<std::uint64_t>& values);

  const Library& library_;
  vcpu* vcpu_;
  struct Named {
    Register index;
    RegisterGroup group;
    int name;
  };
  std::vector<Named> named_;  // those that this kernel knows
};

}  // namespace tsbhyve::vmm
