//! Segments: what they are made of, and that none is made of itself.

use std::collections::{BTreeMap, HashMap};

use super::{Validator, item};
use crate::condition::Condition;
use crate::definition::{Segment, SegmentBody};
use crate::id::Slug;

/// Most conditions of a segment, those of the segments in it counted wherever they are used.
pub const MAX_CONDITIONS: usize = 10_000;

impl Validator<'_> {
    pub(super) fn segments(&mut self) {
        for (i, segment) in self.definitions.segments.iter().enumerate() {
            let path = item("segments", i).field("customers");
            match &segment.customers {
                SegmentBody::Where(condition) => self.condition(condition, &path.field("where")),
                SegmentBody::Sql(sql) if sql.trim().is_empty() => self.error(
                    &path.field("sql"),
                    "the query is empty",
                    "write one `SELECT` that returns the customer key, such as `SELECT customer_id FROM Orders`",
                ),
                SegmentBody::Sql(_) => {}
            }
        }
        self.circles();
        self.sizes();
    }

    /// Reports each circle of segments once, at its first segment.
    fn circles(&mut self) {
        let segments = &self.definitions.segments;
        let index: HashMap<&Slug, usize> = segments.iter().enumerate().map(|(i, one)| (&one.id, i)).collect();
        let next: Vec<Vec<usize>> = segments
            .iter()
            .map(|one| references(one).into_iter().filter_map(|id| index.get(id).copied()).collect())
            .collect();
        let mut done = vec![false; segments.len()];
        for start in 0..segments.len() {
            // The way walked so far, each step with how many of its references have been looked at.
            let mut way: Vec<(usize, usize)> = vec![(start, 0)];
            while let Some((at, looked)) = way.last_mut() {
                if done[*at] {
                    way.pop();
                } else if let Some(to) = next[*at].get(*looked).copied() {
                    *looked += 1;
                    if let Some(begin) = way.iter().position(|(on_way, _)| *on_way == to) {
                        self.circle(way[begin..].iter().map(|(step, _)| &segments[*step]).collect(), to);
                    } else {
                        way.push((to, 0));
                    }
                } else {
                    done[*at] = true;
                    way.pop();
                }
            }
        }
    }

    fn circle(&mut self, mut circle: Vec<&Segment>, at: usize) {
        if let Some(first) = circle.first().copied() {
            circle.push(first);
        }
        let way: Vec<String> = circle.iter().map(|segment| format!("`{}`", segment.id)).collect();
        self.error(
            &item("segments", at).field("customers"),
            format!("the segment is made of itself: {}", way.join(" -> ")),
            "remove one of these references",
        );
    }

    /// Reports segments that lay out to too many conditions.
    fn sizes(&mut self) {
        let by_id: BTreeMap<&Slug, &Segment> = self.definitions.segments.iter().map(|one| (&one.id, one)).collect();
        let mut sizes = HashMap::new();
        for (i, segment) in self.definitions.segments.iter().enumerate() {
            if size(segment, &by_id, &mut sizes) > MAX_CONDITIONS {
                self.error(
                    &item("segments", i).field("customers"),
                    format!("with the segments in it the segment has more than {MAX_CONDITIONS} conditions"),
                    "write it as SQL, or use fewer segments in segments",
                );
            }
        }
    }
}

fn size<'a>(
    segment: &'a Segment,
    by_id: &BTreeMap<&'a Slug, &'a Segment>,
    sizes: &mut HashMap<&'a Slug, usize>,
) -> usize {
    if let Some(known) = sizes.get(&segment.id) {
        return *known;
    }
    // What stands for a segment that is still being measured, which is in a circle.
    sizes.insert(&segment.id, 1);
    let own = match &segment.customers {
        SegmentBody::Sql(_) => 1,
        SegmentBody::Where(condition) => {
            let mut own = 0_usize;
            leaves(condition, &mut |_| own = own.saturating_add(1));
            references(segment)
                .into_iter()
                .fold(own, |sum, id| sum.saturating_add(by_id.get(id).map_or(0, |inner| size(inner, by_id, sizes))))
        }
    };
    sizes.insert(&segment.id, own);
    own
}

/// Looks at every condition that holds no other, those in aggregates left out.
fn leaves<'a>(condition: &'a Condition, look: &mut impl FnMut(&'a Condition)) {
    match condition {
        Condition::All(all) => all.all.iter().for_each(|one| leaves(one, look)),
        Condition::Any(any) => any.any.iter().for_each(|one| leaves(one, look)),
        Condition::Not(not) => leaves(&not.not, look),
        Condition::Segment(_) | Condition::Column(_) | Condition::Aggregate(_) => look(condition),
    }
}

/// The segments that a segment is made of.
fn references(segment: &Segment) -> Vec<&Slug> {
    let mut found = Vec::new();
    if let SegmentBody::Where(condition) = &segment.customers {
        leaves(condition, &mut |leaf| {
            if let Condition::Segment(inner) = leaf {
                found.push(&inner.segment);
            }
        });
    }
    found
}
