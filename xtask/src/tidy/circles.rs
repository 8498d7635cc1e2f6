//! Circles in a graph of names.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// For each name, the names that it points at.
pub(super) type Graph = BTreeMap<String, BTreeSet<String>>;

/// Names that all reach each other.
#[derive(Debug, PartialEq)]
pub(super) struct Circle {
    /// The shortest way from a name back to itself, which it begins and ends with.
    pub(super) way: Vec<String>,
    /// How many names reach each other, those of the way included.
    pub(super) names: usize,
}

/// Finds the circles: one for each group of names that all reach each other.
pub(super) fn circles(graph: &Graph) -> Vec<Circle> {
    let reached: BTreeMap<_, _> = graph.keys().map(|name| (name, reached_from(graph, name))).collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for (&name, others) in &reached {
        if !others.contains(name) || seen.contains(name) {
            continue;
        }
        let group: Vec<_> =
            others.iter().filter(|other| reached.get(other).is_some_and(|back| back.contains(name))).collect();
        let ways = group.iter().filter_map(|name| way_back(graph, name));
        if let Some(way) = ways.min_by_key(Vec::len) {
            circles.push(Circle { way, names: group.len() });
        }
        seen.extend(group);
    }
    circles
}

/// The names that can be reached from this one: itself only where a way leads back.
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

/// The shortest way from a name back to itself.
fn way_back(graph: &Graph, start: &str) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![start.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in way.last().and_then(|name| graph.get(name)).into_iter().flatten() {
            let longer: Vec<_> = way.iter().chain([next]).cloned().collect();
            if next == start {
                return Some(longer);
            }
            if seen.insert(next) {
                ways.push_back(longer);
            }
        }
    }
    None
}
