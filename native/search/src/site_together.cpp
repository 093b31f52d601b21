#include "site_together.h"

#include <algorithm>

#include "site_combination.h"
#include "site_stem_documents.h"

namespace prse {
namespace {

// That a document of one stem has another one, too.
struct Meeting {
  std::uint32_t document;  // among those of the first stem
  std::uint32_t other;     // stem, among those that are told with the first
  const StemDocuments::Document* of_other;
  StemsApart apart;  // it, from the first stem
};

// Tells combinations of one stem with later ones.
class Together {
 public:
  // `asked` are combinations that all begin with the same stem, ascending. What is given must outlive it.
  Together(std::span<StemDocuments> stems, std::size_t documents, const IdOf& id_of, const WeightOf& weight_of,
           std::span<const SiteMembers> asked)
      : stems_(stems),
        documents_(documents),
        id_of_(id_of),
        weight_of_(weight_of),
        asked_(asked),
        first_(stems[asked.front().front()]) {
    for (const SiteMembers& each : asked) {
      for (const std::uint32_t other : {each[1], each[2]}) {
        if (other != kNoMember) others_.push_back(other);
      }
    }
    std::sort(others_.begin(), others_.end());
    others_.erase(std::unique(others_.begin(), others_.end()), others_.end());
  }

  void tell(std::vector<SiteTogether>& out) {
    std::vector<char> in_two(others_.size());
    std::vector<char> in_three(others_.size());
    std::vector<SiteMembers> of_three;
    for (const SiteMembers& each : asked_) {
      if (each[2] == kNoMember) {
        in_two[place_of(each[1])] = 1;
      } else {
        in_three[place_of(each[1])] = in_three[place_of(each[2])] = 1;
        of_three.push_back(each);
      }
    }
    for (std::uint32_t place = 0; place < others_.size(); ++place) {
      const std::size_t before = meetings_.size();
      meet(place);
      if (in_two[place] != 0) tell_two(place, std::span(meetings_).subspan(before), out);
      if (in_three[place] == 0) meetings_.resize(before);
    }
    if (!of_three.empty()) tell_three(of_three, out);
  }

 private:
  const StemDocuments& other(std::uint32_t place) const { return stems_[others_[place]]; }
  std::uint32_t place_of(std::uint32_t stem) const {
    return static_cast<std::uint32_t>(std::lower_bound(others_.begin(), others_.end(), stem) - others_.begin());
  }
  std::span<const StemDocuments::Place> places(const Meeting& meeting) const {
    return other(meeting.other).places(*meeting.of_other);
  }

  // Goes through the stem with fewer documents.
  void meet(std::uint32_t place) {
    StemDocuments& second = stems_[others_[place]];
    const bool turned = second.size() < first_.size();
    StemDocuments& fewer = turned ? second : first_;
    StemDocuments& more = turned ? first_ : second;
    if (!more.findable()) more.make_findable(documents_);
    for (const StemDocuments::Document& one : fewer.all()) {
      const StemDocuments::Document* found = more.find(one.number);
      if (found == nullptr) continue;
      const StemDocuments::Document* other = turned ? &one : found;
      const StemDocuments::Document* of_first = turned ? found : &one;
      const auto document = static_cast<std::uint32_t>(of_first - first_.all().data());
      meetings_.push_back({document, place, other, apart(first_.places(*of_first), second.places(*other))});
    }
  }

  void tell_two(std::uint32_t place, std::span<const Meeting> meetings, std::vector<SiteTogether>& out) {
    if (meetings.empty()) return;
    for (const Told which : {Told::kAll, Told::kSecondNext, Told::kEither, Told::kFirstNext}) {
      std::vector<TogetherDocument> found;
      found.reserve(which == Told::kAll || which == Told::kEither ? meetings.size() : 0);
      for (const Meeting& each : meetings) {
        if (which == Told::kSecondNext && !each.apart.ahead) continue;
        if (which == Told::kFirstNext && !each.apart.behind) continue;
        const StemDocuments::Document& document = first_.all()[each.document];
        const std::uint8_t near = which == Told::kEither ? std::uint8_t{0} : each.apart.near;
        found.push_back({document.number, {{document.uses, each.of_other->uses, 0}, {near, 0, 0}}});
      }
      if (found.empty()) continue;
      out.push_back(Combination({&first_, &other(place)}, id_of_, weight_of_, which).told(found));
    }
  }

  // Each document is looked at once, for all combinations of three that it has.
  void tell_three(std::span<const SiteMembers> asked, std::vector<SiteTogether>& out) {
    const std::size_t count = others_.size();
    std::vector<std::uint32_t> asked_of(count * count, kNoMember);  // by the second and the third
    for (std::uint32_t i = 0; i < asked.size(); ++i) {
      const std::uint32_t second = place_of(asked[i][1]);
      const std::uint32_t third = place_of(asked[i][2]);
      asked_of[second * count + third] = i;
    }
    std::stable_sort(meetings_.begin(), meetings_.end(),
                     [](const Meeting& a, const Meeting& b) { return a.document < b.document; });
    const auto for_all = [&](const auto& act) {
      for (std::size_t begin = 0, end = 0; begin < meetings_.size(); begin = end) {
        while (end < meetings_.size() && meetings_[end].document == meetings_[begin].document) ++end;
        for (std::size_t i = begin; i < end; ++i) {
          for (std::size_t j = i + 1; j < end; ++j) {
            const std::uint32_t which = asked_of[meetings_[i].other * count + meetings_[j].other];
            if (which != kNoMember) act(which, meetings_[i], meetings_[j]);
          }
        }
      }
    };
    std::vector<std::size_t> ends(asked.size() + 1);
    for_all([&](std::uint32_t which, const Meeting&, const Meeting&) { ++ends[which + 1]; });
    for (std::size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
    std::vector<TogetherDocument> found(ends.back());
    for_all([&](std::uint32_t which, const Meeting& second, const Meeting& third) {
      const StemDocuments::Document& document = first_.all()[second.document];
      found[ends[which]++] = {document.number,
                              {{document.uses, second.of_other->uses, third.of_other->uses},
                               {second.apart.near, third.apart.near, apart(places(second), places(third)).near}}};
    });
    std::size_t begin = 0;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto here = std::span(found).subspan(begin, ends[i] - begin);
      begin = ends[i];
      if (here.empty()) continue;
      out.push_back(Combination({&first_, &stems_[asked[i][1]], &stems_[asked[i][2]]}, id_of_, weight_of_).told(here));
    }
  }

  std::span<StemDocuments> stems_;
  std::size_t documents_;
  const IdOf& id_of_;
  const WeightOf& weight_of_;
  std::span<const SiteMembers> asked_;
  StemDocuments& first_;
  std::vector<std::uint32_t> others_;  // stems, ascending
  std::vector<Meeting> meetings_;      // with each of the others in turn, by document
};

}  // namespace

std::vector<SiteTogether> best_together(std::size_t count, const std::function<SiteStem(std::size_t)>& read,
                                        std::size_t documents, const IdOf& id_of,
                                        std::span<const SiteMembers> combinations, const WeightOf& weight_of) {
  std::vector<StemDocuments> stems;
  stems.reserve(count);
  for (std::size_t i = 0; i < count; ++i) stems.emplace_back(read(i), weight_of);

  std::vector<SiteMembers> asked(combinations.begin(), combinations.end());
  std::sort(asked.begin(), asked.end());
  asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
  std::vector<SiteTogether> out;
  for (auto begin = asked.begin(); begin != asked.end();) {
    const auto end = std::find_if(begin, asked.end(), [&](const SiteMembers& each) { return each[0] != (*begin)[0]; });
    Together(stems, documents, id_of, weight_of, std::span(begin, end)).tell(out);
    begin = end;
  }
  std::sort(out.begin(), out.end(), [](const SiteTogether& a, const SiteTogether& b) { return a.key < b.key; });
  return out;
}

}  // namespace prse
