// SPDX-License-Identifier: BSD-2-Clause
#include "cpuid.h"

#include <bit>
#include <cstring>

namespace imitation {

namespace {

std::uint32_t letters(const char* text) {
  std::uint32_t word;
  std::memcpy(&word, text, sizeof word);
  return word;
}

constexpr std::uint32_t bits(std::initializer_list<unsigned> numbers) {
  std::uint32_t sum = 0;
  for (const unsigned number : numbers) sum |= 1u << number;
  return sum;
}

/// Of an APIC id, to tell `count` apart.
std::uint32_t id_bits(std::uint32_t count) { return 32u - static_cast<unsigned>(std::countl_zero(count - 1)); }

}  // namespace

std::vector<tsbhyve::CpuidRow> cpuid_rows(std::uint32_t cores, std::uint32_t threads) {
  const std::uint32_t in_socket = cores * threads;
  const std::uint32_t of_core = (cores - 1) << 26 | (threads - 1) << 14;
  const std::uint32_t of_socket = (cores - 1) << 26 | (in_socket - 1) << 14;
  const std::uint32_t multithreading = in_socket > 1 ? bits({28}) : 0;
  const std::uint32_t genu = letters("Genu"), inei = letters("ineI"), ntel = letters("ntel");
  const std::uint32_t bhyv = letters("bhyv"), e_bh = letters("e bh"), yve = letters("yve ");
  return {
      {0, 0, 0x16, genu, ntel, inei},
      // SSE3 SSSE3 CX16 PCID SSE4.1 SSE4.2 POPCNT XSAVE HYPERVISOR; FPU to SSE2
      {1, 0, 0x000106ca, in_socket << 16 | 8 << 8, bits({0, 9, 13, 17, 19, 20, 23, 26, 31}),
       bits({0, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 23, 24, 25, 26}) | multithreading},
      {2, 0, 0x0000ff01, 0, 0, 0},
      {4, 0, of_core | 1 | 1 << 5 | 1 << 8, 7 << 22 | 63, 63, 0},
      {4, 1, of_core | 2 | 1 << 5 | 1 << 8, 7 << 22 | 63, 63, 0},
      {4, 2, of_socket | 3 | 2 << 5 | 1 << 8, 15 << 22 | 63, 1023, 0},
      {6, 0, bits({2}), 0, 0, 0},
      {7, 0, 0, bits({0, 7, 9, 10, 20}), bits({2}), 0},  // FSGSBASE SMEP ERMS INVPCID SMAP; UMIP
      {0xb, 0, id_bits(threads), threads, 0x100, 0},
      {0xb, 1, id_bits(in_socket), in_socket, 0x201, 0},
      {0xd, 0, 3, 576, 576, 0},  // x87 and SSE
      {0x40000000, 0, 0x40000000, bhyv, e_bh, yve},
      {0x80000000, 0, 0x80000008, 0, 0, 0},
      {0x80000001, 0, 0, 0, bits({0, 8}), bits({11, 20, 26, 27, 29})},
      {0x80000002, 0, letters("imit"), letters("atio"), letters("n of"), letters(" a C")},
      {0x80000003, 0, letters("PU u"), letters("nder"), letters(" vmm"), letters(".ko ")},
      {0x80000004, 0, 0, 0, 0, 0},
      {0x80000006, 0, 0, 0, 1024 << 16 | 8 << 12 | 64, 0},
      {0x80000007, 0, 0, 0, bits({8}), 0},
      {0x80000008, 0, 40 | 48 << 8, 0, 0, 0},
  };
}

}  // namespace imitation
