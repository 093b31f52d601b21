#include "stems.h"

#include "bytes.h"

namespace prse {

void StemWriter::add(std::string_view word, std::uint32_t place) {
  if (language_ == Language::kNone) return;
  std::string stem = prse::stem(word, language_);
  const bool is_itself = stem == word;
  Group& group = groups_[std::move(stem)];
  put_varint(group.places, place - group.last);
  group.last = place;
  group.is_itself = is_itself;
  ++group.words;
}

std::string StemWriter::finish() const {
  DictionaryWriter out;
  for (const auto& [stem, group] : groups_) {
    if (group.words > 1 || !group.is_itself) out.add(stem, group.places);
  }
  return out.finish();
}

std::vector<Dictionary::Cursor> Stems::forms(std::string_view stem, std::string_view word, char kind,
                                             const Dictionary& terms) const {
  std::vector<Dictionary::Cursor> out;
  const std::string key = std::string(1, kind).append(word);
  const Dictionary::Cursor group = stems_.find(stem);
  if (!group.valid()) {
    if (stem == word) return out;
    Dictionary::Cursor alone = terms.find(std::string(1, kind).append(stem));
    if (alone.valid()) out.push_back(std::move(alone));
    return out;
  }
  ByteReader in(group.value(), where_);
  std::uint64_t place = 0;
  while (!in.at_end()) {
    place += in.varint();
    if (place >= terms.size()) in.fail("a word lies outside");
    Dictionary::Cursor form = terms.at(static_cast<std::uint32_t>(place));
    if (form.key().empty() || form.key()[0] != kind) in.fail("a form is no word");
    if (form.key() != key) out.push_back(std::move(form));
  }
  return out;
}

}  // namespace prse
