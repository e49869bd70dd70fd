// SPDX-License-Identifier: BSD-2-Clause
// A region: host code for a few blocks of one page that lead to each other, entered at the first of them.
#pragma once

#include <memory_resource>
#include <utility>
#include <vector>

#include "soft/block.h"
#include "soft/translator/flag_recipe.h"

namespace tsbhyve::soft {

struct Region;

/// What C++ needs to know when translated code calls it in the midst of a block.
struct Site {
  const Op* op = nullptr;
  Block* block = nullptr;
  Region* region = nullptr;
  i32 ahead = 0;  // what the budget has too much of, beside what tier 1 has in this block (see Thunks::enter)
  u8 size = 0;    // of the memory access
  u8 segment = 0;
  const FlagRecipe* flags = nullptr;  // null: they are in memory
};

/// One way out of translated code.
struct Exit {
  enum class Kind : u8 {
    Branch,     // a direct branch of `block`, complete: `link` leads on. May be patched to jump to its target's code.
    Jump,       // an indirect branch, complete: TranslatedState::target is where it leads
    Operation,  // tier 1 goes on with `op` of `block`
    Block,      // tier 1 goes on with `block`, which has not been paid for
  };
  Kind kind = Kind::Branch;
  Region* region = nullptr;
  soft::Block* block = nullptr;
  const Op* op = nullptr;
  Link* link = nullptr;
  const FlagRecipe* flags = nullptr;  // null: they are in memory, as with every Branch
  u32 patch = 0;                      // Branch: where in the region's code its jump has its distance
  u32 unpatched = 0;                  // the distance that leads to its way out
  Region* to = nullptr;               // the region that it has been patched to
  Exit* next = nullptr;               // of the region's others
};

/// That a region holds the instructions of a block; it lives as long as the region.
struct Membership {
  Region* region = nullptr;
  Membership* next = nullptr;  // of the same block
};

struct Region {
  Block* entry = nullptr;
  std::vector<Block*> blocks;
  const u8* code = nullptr;  // where it runs
  u8* writable = nullptr;    // the same bytes, where they can be written
  u32 size = 0;
  size_t piece = 0;   // of code memory
  bool dead = false;  // the guest has changed its bytes: nobody may come in any more
  u32 longest = 0;    // instructions that may be retired after its entry before it looks at the budget again
  Exit* exits = nullptr;
  std::vector<Exit*> incoming;

  /// Something small that lives as long as the region. Its destructor does not run.
  template <class T, class... From>
  T* make(From&&... from) {
    static_assert(std::is_trivially_destructible_v<T>);
    return ::new (memory_.allocate(sizeof(T), alignof(T))) T{std::forward<From>(from)...};
  }

 private:
  static constexpr size_t first_bytes = 256;
  std::pmr::monotonic_buffer_resource memory_{first_bytes};
};

}  // namespace tsbhyve::soft
