// SPDX-License-Identifier: BSD-2-Clause
// A region: host code for a few blocks of one page that lead to each other, entered at the first of them.
#pragma once

#include <utility>
#include <vector>

#include "soft/block.h"
#include "soft/translator/flag_recipe.h"

namespace tsbhyve::soft {

/// What C++ needs to know when translated code calls it in the midst of a block.
struct Site {
  Block* block = nullptr;
  Region* region = nullptr;
  const FlagRecipe* flags = nullptr;  // null: they are in memory
  i32 ahead = 0;    // what the budget has too much of, beside what tier 1 has in this block (see Thunks::enter)
  u8 position = 0;  // of the Op in the block
  u8 size = 0;      // of the memory access
  u8 segment = 0;

  const Op* op() const { return &block->ops()[position]; }
};

/// The same where tier 1's handler is to do the instruction alone: it runs a copy, and then what follows it.
struct OperationSite : Site {
  Op copy, end;
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
  union {
    const Op* op = nullptr;  // Operation
    Link* link;              // Branch
  };
  const FlagRecipe* flags = nullptr;  // null: they are in memory, as with every Branch
  u32 patch = 0;                      // Branch: where in the region's code its jump has its distance
  u32 unpatched = 0;                  // the distance that leads to its way out
  Region* to = nullptr;               // the region that it has been patched to
  Exit* next = nullptr;               // of the region's others
};

/// That a region holds the instructions of a block; it lives as long as the region.
struct Membership {
  Region* region = nullptr;
  Block* block = nullptr;
  Membership* next_of_block = nullptr;
  Membership* next_of_region = nullptr;
};

struct Region {
  Block* entry = nullptr;
  const u8* code = nullptr;  // where it runs
  u32 longest = 0;           // instructions that may be retired after its entry before it looks at the budget again
  u32 size = 0;
  u8* writable = nullptr;  // the same bytes, where they can be written
  u16 piece = 0;           // of code memory
  bool dead = false;       // the guest has changed its bytes: nobody may come in any more
  Exit* exits = nullptr;
  Membership* members = nullptr;
  std::vector<Exit*> incoming;

  Region() = default;
  ~Region() {
    while (Piece* const last = pieces_) {
      pieces_ = last->before;
      delete last;
    }
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  /// Something small that lives as long as the region. Its destructor does not run.
  template <class T, class... From>
  T* make(From&&... from) {
    static_assert(std::is_trivially_destructible_v<T>);
    static_assert(sizeof(T) <= sizeof(Piece::bytes) && alignof(T) <= alignof(Piece));
    if (sizeof(T) > left_) {
      pieces_ = new Piece{pieces_, {}};
      left_ = sizeof(Piece::bytes);
    }
    left_ = (left_ - sizeof(T)) & ~(alignof(T) - 1);
    return ::new (pieces_->bytes + left_) T{std::forward<From>(from)...};
  }

 private:
  /// Regions are many and most are small, so the last piece of each must not stay half empty. With what malloc() adds
  /// this is 256 bytes.
  struct Piece {
    Piece* before;
    u8 bytes[240];
  };
  Piece* pieces_ = nullptr;
  size_t left_ = 0;
};

}  // namespace tsbhyve::soft
