//! FP-growth: the log as a tree of shared beginnings, mined item by item without making candidates.
//!
//! Within the search items are ranks: 0 is the most frequent. The tree is an arena in columns; nodes of one rank are
//! chained, so that the ways on which an item is reached are found without a search. A tree is built from sorted paths,
//! which needs no look-up of children: a path shares with its predecessor what both begin with.

use super::ItemSet;

/// No node.
const NONE: u32 = u32::MAX;

/// All sets of at most `max_length` items that stand in at least `min_support` baskets, in no particular order. Nothing
/// where there are more than `max_sets`.
pub(super) fn grow<B: AsRef<[u32]>>(
    baskets: &[B],
    min_support: u32,
    max_length: usize,
    max_sets: usize,
) -> Option<Vec<ItemSet>> {
    if max_length == 0 {
        return Some(Vec::new());
    }
    let (items, paths) = ranked(baskets, min_support);
    let mut search = Search {
        items: &items,
        min_support,
        max_length,
        max_sets,
        suffix: Vec::with_capacity(max_length),
        sets: Vec::new(),
    };
    search.mine(&Tree::new(paths, items.len())).then_some(search.sets)
}

/// The frequent items, most frequent first (of equal ones the lower number), and the baskets as rising ranks.
fn ranked<B: AsRef<[u32]>>(baskets: &[B], min_support: u32) -> (Vec<u32>, Paths) {
    let mut baskets_of: Vec<(u32, u32)> = Vec::new();
    for (n, basket) in baskets.iter().enumerate() {
        let n = u32::try_from(n).unwrap_or(NONE);
        baskets_of.extend(basket.as_ref().iter().map(|item| (*item, n)));
    }
    baskets_of.sort_unstable();
    baskets_of.dedup();
    let mut frequent: Vec<(u32, &[(u32, u32)])> = baskets_of
        .chunk_by(|l, r| l.0 == r.0)
        .map(|chunk| (chunk[0].0, chunk))
        .filter(|(_, chunk)| chunk.len() >= min_support as usize)
        .collect();
    frequent.sort_unstable_by_key(|(item, chunk)| (std::cmp::Reverse(chunk.len()), *item));
    // Turned back into baskets: place by place, since ranks come rising.
    let mut lengths = vec![0_usize; baskets.len()];
    for (_, chunk) in &frequent {
        for (_, basket) in *chunk {
            lengths[*basket as usize] += 1;
        }
    }
    let mut paths = Paths::default();
    let mut end = 0;
    let mut places: Vec<usize> = Vec::with_capacity(baskets.len());
    for length in lengths {
        places.push(end);
        if length > 0 {
            paths.spans.push((end, end + length, 1));
        }
        end += length;
    }
    paths.ranks = vec![0; end];
    for (rank, (_, chunk)) in frequent.iter().enumerate() {
        for (_, basket) in *chunk {
            let place = &mut places[*basket as usize];
            paths.ranks[*place] = rank as u32;
            *place += 1;
        }
    }
    (frequent.into_iter().map(|(item, _)| item).collect(), paths)
}

/// Rising ranks, path after path.
#[derive(Default)]
struct Paths {
    ranks: Vec<u32>,
    /// Begin, end and weight of each path.
    spans: Vec<(usize, usize, u32)>,
}

/// The tree of paths.
struct Tree {
    rank: Vec<u32>,
    count: Vec<u32>,
    parent: Vec<u32>,
    /// The next node of the same rank.
    next: Vec<u32>,
    /// The first node of each rank.
    head: Vec<u32>,
    /// The weight of all nodes of each rank.
    total: Vec<u32>,
}

impl Tree {
    fn new(mut paths: Paths, ranks: usize) -> Self {
        let all = &paths.ranks;
        paths.spans.sort_unstable_by(|l, r| all[l.0..l.1].cmp(&all[r.0..r.1]));
        let mut tree = Self {
            rank: Vec::with_capacity(all.len()),
            count: Vec::with_capacity(all.len()),
            parent: Vec::with_capacity(all.len()),
            next: Vec::with_capacity(all.len()),
            head: vec![NONE; ranks],
            total: vec![0; ranks],
        };
        // The nodes from the root to the end of the path before.
        let mut stack: Vec<u32> = Vec::new();
        for &(begin, end, weight) in &paths.spans {
            let path = &all[begin..end];
            let shared = stack
                .iter()
                .zip(path)
                .take_while(|(node, rank)| tree.rank[**node as usize] == **rank)
                .count();
            stack.truncate(shared);
            for node in &stack {
                tree.count[*node as usize] += weight;
            }
            for &rank in &path[shared..] {
                let node = tree.rank.len() as u32;
                tree.rank.push(rank);
                tree.count.push(weight);
                tree.parent.push(stack.last().copied().unwrap_or(NONE));
                tree.next.push(tree.head[rank as usize]);
                tree.head[rank as usize] = node;
                stack.push(node);
            }
            for rank in path {
                tree.total[*rank as usize] += weight;
            }
        }
        tree
    }

    /// The nodes of a rank.
    fn nodes(&self, rank: u32) -> impl Iterator<Item = usize> {
        let node = |at: u32| (at != NONE).then_some(at);
        std::iter::successors(node(self.head[rank as usize]), move |at| node(self.next[*at as usize]))
            .map(|at| at as usize)
    }

    /// The nodes above one, nearest first.
    fn above(&self, node: usize) -> impl Iterator<Item = usize> {
        let up = |at: u32| (at != NONE).then_some(at as usize);
        std::iter::successors(up(self.parent[node]), move |at| up(self.parent[*at]))
    }

    /// How often each lower rank stands with this one.
    fn counts_with(&self, rank: u32) -> Vec<u32> {
        let mut counts = vec![0; rank as usize];
        for node in self.nodes(rank) {
            for above in self.above(node) {
                counts[self.rank[above] as usize] += self.count[node];
            }
        }
        counts
    }

    /// The tree of what stands with a rank, of the ranks that do so often enough.
    fn conditional(&self, rank: u32, counts: &[u32], min_support: u32) -> Self {
        let mut paths = Paths::default();
        for node in self.nodes(rank) {
            let begin = paths.ranks.len();
            let ways = self.above(node).map(|above| self.rank[above]);
            paths
                .ranks
                .extend(ways.filter(|above| counts[*above as usize] >= min_support));
            paths.ranks[begin..].reverse();
            if paths.ranks.len() > begin {
                paths.spans.push((begin, paths.ranks.len(), self.count[node]));
            }
        }
        Self::new(paths, rank as usize)
    }
}

/// The search and what it has found.
struct Search<'a> {
    items: &'a [u32],
    min_support: u32,
    max_length: usize,
    max_sets: usize,
    /// The ranks that every set of the present branch holds.
    suffix: Vec<u32>,
    sets: Vec<ItemSet>,
}

impl Search<'_> {
    /// Lists the sets of a tree; `false` where there are too many.
    fn mine(&mut self, tree: &Tree) -> bool {
        for rank in 0..tree.head.len() as u32 {
            let count = tree.total[rank as usize];
            if count < self.min_support {
                continue;
            }
            self.suffix.push(rank);
            let fits = self.list(count) && self.extend(tree, rank);
            self.suffix.pop();
            if !fits {
                return false;
            }
        }
        true
    }

    /// Lists the sets that hold the suffix and more.
    fn extend(&mut self, tree: &Tree, rank: u32) -> bool {
        if self.suffix.len() == self.max_length {
            return true;
        }
        let counts = tree.counts_with(rank);
        if counts.iter().all(|count| *count < self.min_support) {
            return true;
        }
        // One more item is all that may come: counts are enough.
        if self.suffix.len() + 1 == self.max_length {
            return (0_u32..).zip(&counts).all(|(above, count)| {
                if *count < self.min_support {
                    return true;
                }
                self.suffix.push(above);
                let fits = self.list(*count);
                self.suffix.pop();
                fits
            });
        }
        let conditional = tree.conditional(rank, &counts, self.min_support);
        self.mine(&conditional)
    }

    /// Lists the suffix itself.
    fn list(&mut self, count: u32) -> bool {
        if self.sets.len() == self.max_sets {
            return false;
        }
        let mut items: Vec<u32> = self.suffix.iter().map(|rank| self.items[*rank as usize]).collect();
        items.sort_unstable();
        self.sets.push(ItemSet { items, count });
        true
    }
}
