// SPDX-License-Identifier: BSD-2-Clause
// Guest code as assembly text, in sections of the test itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#define TEST_GUEST_CODE(name, bits, text)                                                               \
  asm(".pushsection .rodata\n.code" bits "\n.intel_syntax noprefix\n" #name "_begin:\n" text "\n" #name \
      "_end:\n.code64\n.att_syntax\n.popsection\n");                                                    \
  extern "C" const std::uint8_t name##_begin[], name##_end[];                                           \
  const std::span<const std::uint8_t> name { name##_begin, static_cast<std::size_t>(name##_end - name##_begin) }
