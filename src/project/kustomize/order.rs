//! The order in which layers are built, and which of them lead back to themselves.

/// Layers by their numbers.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The layers that a layer is built from come before it, unless they lead back to it.
    pub(super) layers: Vec<usize>,
    /// For each layer, the circle that it is in. A layer outside of circles has a separate number.
    circle: Vec<usize>,
}

impl Order {
    /// `below` has for each layer those that it names. Uses Tarjan's algorithm with an explicit stack.
    pub(super) fn new(below: &[Vec<usize>]) -> Self {
        let mut search = Search {
            below,
            reached: vec![None; below.len()],
            low: vec![0; below.len()],
            open: Vec::new(),
            order: Self {
                layers: Vec::with_capacity(below.len()),
                circle: vec![usize::MAX; below.len()],
            },
        };
        let mut count = 0;
        for layer in 0..below.len() {
            search.from(layer, &mut count);
        }
        search.order
    }

    /// Whether a layer that is named by another one leads back to it.
    pub(super) fn is_circle(&self, from: usize, to: usize) -> bool {
        self.circle[from] == self.circle[to]
    }
}

struct Search<'b> {
    below: &'b [Vec<usize>],
    /// The step at which each layer was reached.
    reached: Vec<Option<usize>>,
    /// For each layer, the step at which the first layer was reached that it leads back to.
    low: Vec<usize>,
    /// Layers of circles that may not be complete.
    open: Vec<usize>,
    order: Order,
}

impl Search<'_> {
    fn from(&mut self, layer: usize, count: &mut usize) {
        // The current path of layers, each with the index of the next one to visit below it.
        let mut way = vec![(layer, 0)];
        while let Some((layer, next)) = way.last_mut() {
            let layer = *layer;
            if *next == 0 {
                if self.reached[layer].is_some() {
                    way.pop();
                    continue;
                }
                self.reached[layer] = Some(*count);
                self.low[layer] = *count;
                self.open.push(layer);
                *count += 1;
            }
            match self.below[layer].get(*next) {
                Some(below) => {
                    *next += 1;
                    match self.reached[*below] {
                        None => way.push((*below, 0)),
                        Some(reached) if self.order.circle[*below] == usize::MAX => {
                            self.low[layer] = self.low[layer].min(reached);
                        }
                        Some(_) => {}
                    }
                }
                None => {
                    way.pop();
                    self.close(layer, way.last().map(|(above, _)| *above));
                }
            }
        }
    }

    fn close(&mut self, layer: usize, above: Option<usize>) {
        self.order.layers.push(layer);
        if self.reached[layer] == Some(self.low[layer]) {
            while let Some(last) = self.open.pop() {
                self.order.circle[last] = layer;
                if last == layer {
                    break;
                }
            }
        } else if let Some(above) = above {
            self.low[above] = self.low[above].min(self.low[layer]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_comes_first() {
        let order = Order::new(&[vec![1, 2], vec![3], vec![3], vec![], vec![0]]);
        assert_eq!(order.layers, [3, 1, 2, 0, 4]);
        assert!(!order.is_circle(0, 1));
    }

    #[test]
    fn what_leads_to_a_circle_is_in_none() {
        let order = Order::new(&[vec![1], vec![2], vec![1, 3], vec![], vec![4]]);
        assert_eq!(order.layers, [3, 2, 1, 0, 4]);
        assert!(order.is_circle(1, 2) && order.is_circle(2, 1) && order.is_circle(4, 4));
        assert!(!order.is_circle(0, 1) && !order.is_circle(2, 3));
    }

    #[test]
    fn long_chains_need_no_stack() {
        let count = 100_000;
        let below: Vec<Vec<usize>> = (0..count).map(|layer| vec![(layer + 1) % count]).collect();
        assert!(Order::new(&below).is_circle(0, count - 1));
    }
}
