// SPDX-License-Identifier: BSD-2-Clause
// CPU models that offer virtualization to their guests. Needs no /dev/kvm.
#include <string>

#include "guest.h"
#include "kvm/kvm_cpuid.h"

namespace test {

void nested_cases() {
  const auto refusal = [](const tsbhyve::CpuidRow& row) -> std::string {
    try {
      tsbhyve::kvm::refuse_nested(row);
    } catch (const tsbhyve::EngineError& error) {
      return error.message;
    }
    return "";
  };
  CHECK(refusal({1, 0, 0, 0, 1u << 5, 0}) == "the CPU model offers VMX: the state of a guest's guests is not saved");
  CHECK(refusal({0x80000001, 0, 0, 0, 1u << 2, 0}) ==
        "the CPU model offers SVM: the state of a guest's guests is not saved");
  for (const std::uint32_t leaf : {1u, 7u, 0x80000001u}) {
    const std::uint32_t bit = leaf == 1 ? 1u << 5 : leaf == 7 ? 0 : 1u << 2;
    CHECK(refusal({leaf, 0, ~0u, ~0u, ~bit, ~0u}).empty());
  }
}

}  // namespace test
