#include "evaluator.h"

#include <algorithm>

namespace prse {
namespace {

using Documents = std::vector<ScoredDocument>;
using Kind = QueryNode::Kind;

// The documents that both have, or either; the scores are added.
Documents combine(const Documents& left, const Documents& right, bool both) {
  Documents out;
  out.reserve(both ? std::min(left.size(), right.size()) : left.size() + right.size());
  auto a = left.begin();
  auto b = right.begin();
  while (a != left.end() && b != right.end()) {
    if (a->doc == b->doc) {
      out.push_back({a->doc, a->score + b->score});
      ++a;
      ++b;
    } else if (a->doc < b->doc) {
      if (!both) out.push_back(*a);
      ++a;
    } else {
      if (!both) out.push_back(*b);
      ++b;
    }
  }
  if (both) return out;
  out.insert(out.end(), a, left.end());
  out.insert(out.end(), b, right.end());
  return out;
}

// The documents of the first that the second has not.
Documents without(const Documents& documents, const Documents& excluded) {
  Documents out;
  auto b = excluded.begin();
  for (const ScoredDocument& a : documents) {
    while (b != excluded.end() && b->doc < a.doc) ++b;
    if (b == excluded.end() || b->doc != a.doc) out.push_back(a);
  }
  return out;
}

}  // namespace

bool can_relax(const QueryNode& root) {
  std::size_t units = 0;
  std::size_t chunk = 0;
  for (const QueryNode& child : root.children) {
    if (child.demanded) continue;
    if (child.chunk == 0 || child.chunk != chunk) ++units;
    chunk = child.chunk;
  }
  return units > 1;
}

bool has_chunks(const QueryNode& root) {
  return std::any_of(root.children.begin(), root.children.end(),
                     [](const QueryNode& child) { return child.chunk != 0; });
}

Documents Evaluator::of(const QueryNode& node) const {
  switch (node.kind) {
    case Kind::kWord: return of_word(node.word);
    case Kind::kAny: return any_of(node.children);
    case Kind::kAll: return all_of(node.children, false);
    case Kind::kTimes: break;
  }
  Documents out = living();
  std::erase_if(out, [&](const ScoredDocument& hit) { return !in_time(node, hit.doc); });
  return out;
}

Documents Evaluator::of_word(std::size_t word) const {
  Documents out;
  out.reserve(matches_[word].documents.size());
  for (const WordMatch& match : matches_[word].documents) {
    out.push_back({match.doc, idf_[word] * match.worth});
  }
  return out;
}

Documents Evaluator::living() const {
  Documents out;
  for (std::uint32_t doc = 0; doc < view_.segment->documents(); ++doc) {
    if (view_.alive(doc)) out.push_back({doc, 0});
  }
  return out;
}

bool Evaluator::in_time(const QueryNode& node, std::uint32_t doc) const {
  const std::int64_t order = view_.segment->order(doc);
  return node.from <= order && order < node.before;
}

Documents Evaluator::all_of(const std::vector<QueryNode>& children, bool relaxed) const {
  Documents out;
  bool any = false;
  if (relaxed) {
    for (std::size_t i = 0; i < children.size();) {
      const std::size_t chunk = children[i].chunk;
      Documents unit;
      bool begun = false;
      do {
        const QueryNode& child = children[i++];
        if (child.demanded) continue;
        unit = begun ? combine(unit, of(child), true) : of(child);
        begun = true;
      } while (chunk != 0 && i < children.size() && children[i].chunk == chunk);
      out = combine(out, unit, false);
    }
    any = true;
  }
  for (const QueryNode& child : children) {
    if (child.negated || child.kind == Kind::kTimes) continue;
    if (relaxed && !child.demanded) continue;
    out = any ? combine(out, of(child), true) : of(child);
    any = true;
  }
  if (!any) out = living();
  for (const QueryNode& child : children) {
    if (child.kind == Kind::kTimes) {
      std::erase_if(out, [&](const ScoredDocument& hit) {
        return in_time(child, hit.doc) == child.negated;
      });
    } else if (child.negated) {
      out = without(out, of(child));
    }
  }
  return out;
}

Documents Evaluator::any_of(const std::vector<QueryNode>& children) const {
  Documents out;
  for (const QueryNode& child : children) {
    Documents documents = of(child);
    if (child.negated) documents = without(living(), documents);
    out = combine(out, documents, false);
  }
  return out;
}

}  // namespace prse
