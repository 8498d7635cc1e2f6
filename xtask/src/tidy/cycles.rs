//! Finds cycles in a directed graph of names.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// For each name, the names that it points to.
pub(super) type Graph = BTreeMap<String, BTreeSet<String>>;

/// A group of names that can all reach each other (a strongly connected component).
#[derive(Debug, PartialEq)]
pub(super) struct Cycle {
    /// The shortest path from one of the names back to itself. It starts and ends with that name.
    pub(super) path: Vec<String>,
    /// The number of names in the group, including those of the path.
    pub(super) names: usize,
}

/// Finds the cycles, one for each group of names that can all reach each other.
pub(super) fn cycles(graph: &Graph) -> Vec<Cycle> {
    let reached: BTreeMap<_, _> = graph.keys().map(|name| (name, reached_from(graph, name))).collect();
    let mut seen = BTreeSet::new();
    let mut cycles = Vec::new();
    for (&name, others) in &reached {
        if !others.contains(name) || seen.contains(name) {
            continue;
        }
        let group: Vec<_> =
            others.iter().filter(|other| reached.get(other).is_some_and(|back| back.contains(name))).collect();
        let paths = group.iter().filter_map(|name| path_back(graph, name));
        if let Some(path) = paths.min_by_key(Vec::len) {
            cycles.push(Cycle { path, names: group.len() });
        }
        seen.extend(group);
    }
    cycles
}

/// Returns the names that can be reached from this one, which includes itself only if it is part of a cycle.
fn reached_from(graph: &Graph, start: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut left = vec![start];
    while let Some(name) = left.pop() {
        for next in graph.get(name).into_iter().flatten() {
            if reached.insert(next.clone()) {
                left.push(next);
            }
        }
    }
    reached
}

/// Returns the shortest path from a name back to itself, by a breadth-first search.
fn path_back(graph: &Graph, start: &str) -> Option<Vec<String>> {
    let mut paths = VecDeque::from([vec![start.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop_front() {
        for next in path.last().and_then(|name| graph.get(name)).into_iter().flatten() {
            let longer: Vec<_> = path.iter().chain([next]).cloned().collect();
            if next == start {
                return Some(longer);
            }
            if seen.insert(next) {
                paths.push_back(longer);
            }
        }
    }
    None
}
