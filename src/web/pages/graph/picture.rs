//! A drawing: where each entity stands and how the lines go. The layers come from `dugong`, which does as dagre does.

use askama::Template;
use dugong::graphlib::{Graph, GraphOptions};
use dugong::{EdgeLabel, GraphLabel, NodeLabel, Point, RankDir, WorkControl, WorkError};

use super::strands::{Strand, Strands};
use crate::catalog::{Neighbour, Neighbourhood};
use crate::entity::EntityRef;
use crate::web::pages::shown;
use crate::web::url as link;

/// Of how many lines the names are written beside them; more would hide the graph.
const NAMED: usize = 60;
/// Lines that take part in finding places; of more, only those that the walk went along.
const PLACED: usize = 450;
/// Letters of a name that are shown.
const LETTERS: usize = 28;
/// What finding places may cost, in the units of `dugong`: three times what it takes for as many entities and lines as
/// are drawn.
const WORK: usize = 4_500_000;
/// How much smaller a drawing may become to fit its frame, in hundredths; below, names cannot be read.
const LEAST: i32 = 60;
/// Higher drawings than this do not fit a screen even so: they fit the frame's width alone, and it scrolls.
const TALL: i32 = 930;

/// Which way the lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web::pages) enum Towards {
    Right,
    Left,
    Down,
    Up,
}

impl Towards {
    /// All, with what people call them.
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::Right, "Left to right"),
        (Self::Left, "Right to left"),
        (Self::Down, "Top to bottom"),
        (Self::Up, "Bottom to top"),
    ];

    /// As Backstage writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Right => "LR",
            Self::Left => "RL",
            Self::Down => "TB",
            Self::Up => "BT",
        }
    }

    /// The way with a name.
    pub(super) fn read(name: &str) -> Option<Self> {
        Self::ALL.iter().map(|(towards, _)| *towards).find(|towards| towards.name().eq_ignore_ascii_case(name))
    }

    fn ranks(self) -> RankDir {
        match self {
            Self::Right => RankDir::LR,
            Self::Left => RankDir::RL,
            Self::Down => RankDir::TB,
            Self::Up => RankDir::BT,
        }
    }
}

/// A drawing, as a template of its own.
#[derive(Debug, Clone, Template)]
#[template(path = "graph/picture.html")]
pub(in crate::web::pages) struct Picture {
    pub(in crate::web::pages) width: i32,
    pub(in crate::web::pages) height: i32,
    /// In reading order: layer by layer.
    pub(in crate::web::pages) nodes: Vec<Node>,
    pub(in crate::web::pages) lines: Vec<Line>,
    /// What is said of it to those who do not see it.
    pub(in crate::web::pages) label: String,
    /// Whether nodes have a second link to their page.
    pub(in crate::web::pages) has_pages: bool,
}

impl askama::filters::HtmlSafe for Picture {}

/// An entity's box.
#[derive(Debug, Clone)]
pub(in crate::web::pages) struct Node {
    x: i32,
    y: i32,
    width: i32,
    name: String,
    kind: String,
    kind_name: String,
    reference: String,
    link: String,
    page: String,
    is_root: bool,
    known: bool,
}

impl Node {
    fn icon(&self) -> &str {
        shown::icon_of(&self.kind)
    }
}

/// A line with its name.
#[derive(Debug, Clone)]
pub(in crate::web::pages) struct Line {
    path: String,
    label: String,
    /// Where the name stands, if it is written.
    at: Option<(i32, i32)>,
    title: String,
}

/// What `dugong` works on.
type Drawn = Graph<NodeLabel, EdgeLabel, GraphLabel>;

/// Height of a box.
const HEIGHT: i32 = 40;

/// Stops a drawing that costs too much.
struct Patience(usize);

impl WorkControl for Patience {
    fn charge(&mut self, units: usize) -> Result<(), WorkError> {
        self.0 = self.0.checked_sub(units).ok_or(WorkError::Interrupted)?;
        Ok(())
    }
}

impl Picture {
    /// The least width at which its names can be read, in pixels.
    pub(in crate::web::pages) fn least_width(&self) -> i32 {
        self.width * LEAST / 100
    }

    /// Whether no screen shows all of its height at once.
    pub(in crate::web::pages) fn is_tall(&self) -> bool {
        self.height > TALL
    }

    /// Draws what was met. `leads` says where the link of an entity leads.
    pub(in crate::web::pages) fn draw(
        found: &Neighbourhood,
        strands: &Strands,
        towards: Towards,
        leads: &dyn Fn(&EntityRef) -> String,
    ) -> Self {
        let are_named = strands.0.len() <= NAMED;
        let graph = placed(found, strands, towards, are_named);
        let place =
            |number: usize| graph.node(&number.to_string()).and_then(|node| Some((node.x?, node.y?, node.width)));
        let mut nodes: Vec<Node> =
            found.met.iter().enumerate().filter_map(|(number, met)| Some(node(met, place(number)?, leads))).collect();
        nodes.sort_by_key(|node| match towards {
            Towards::Right => (node.x, node.y),
            Towards::Left => (-node.x - node.width, node.y),
            Towards::Down => (node.y, node.x),
            Towards::Up => (-node.y, node.x),
        });
        let lines = strands.0.iter().enumerate().filter_map(|(number, strand)| {
            let name = number.to_string();
            let edge = graph.edge(&strand.from.to_string(), &strand.to.to_string(), Some(&name));
            let points = edge.map_or(&[][..], |edge| &edge.points);
            let title =
                format!("{} {} {}", name_of(&found.met[strand.from]), strand.label, name_of(&found.met[strand.to]));
            let at = edge.and_then(|edge| edge.x.zip(edge.y)).filter(|_| are_named).map(|(x, y)| (whole(x), whole(y)));
            Some(Line {
                path: curve(&docked(points, place(strand.from)?, place(strand.to)?, towards), towards),
                label: strand.label.clone(),
                at,
                title,
            })
        });
        let lines: Vec<Line> = lines.collect();
        let label = format!(
            "{} and {} of {}",
            shown::count(nodes.len(), "entity", "entities"),
            shown::count(lines.len(), "relation", "relations"),
            found.met.first().map(name_of).unwrap_or_default()
        );
        let (width, height) = (graph.graph().width, graph.graph().height);
        Self { width: whole(width).max(1), height: whole(height).max(1), nodes, lines, label, has_pages: true }
    }

    /// Without the second link: where the first leads to the page.
    pub(in crate::web::pages) fn plain(mut self) -> Self {
        self.has_pages = false;
        self
    }
}

/// Everybody in a place: by all lines, or if those are too many by those that the walk went along.
fn placed(found: &Neighbourhood, strands: &Strands, towards: Towards, are_named: bool) -> Drawn {
    for is_dense in [false, true] {
        let mut graph = graph_of(found, strands, towards, are_named, is_dense);
        let is_tried = is_dense || strands.0.len() <= PLACED;
        if is_tried && dugong::layout_controlled(&mut graph, &mut Patience(WORK)).is_ok() {
            return graph;
        }
    }
    let mut graph = graph_of(found, strands, towards, are_named, true);
    in_rows(&mut graph, found.met.len());
    graph
}

fn graph_of(found: &Neighbourhood, strands: &Strands, towards: Towards, are_named: bool, is_dense: bool) -> Drawn {
    let mut graph = Graph::new(GraphOptions { directed: true, multigraph: true, compound: false });
    let flat = matches!(towards, Towards::Right | Towards::Left);
    graph.set_graph(GraphLabel {
        rankdir: towards.ranks(),
        nodesep: if flat { 14.0 } else { 24.0 },
        ranksep: 48.0,
        edgesep: 8.0,
        marginx: 12.0,
        marginy: 12.0,
        ..GraphLabel::default()
    });
    for (number, met) in found.met.iter().enumerate() {
        let size = NodeLabel { width: f64::from(width_of(met)), height: f64::from(HEIGHT), ..NodeLabel::default() };
        graph.set_node(number.to_string(), size);
    }
    let is_walked = |strand: &Strand| {
        found.met[strand.to].through == Some(strand.from) || found.met[strand.from].through == Some(strand.to)
    };
    for (number, strand) in strands.0.iter().enumerate().filter(|(_, strand)| !is_dense || is_walked(strand)) {
        let letters = u32::try_from(strand.label.len()).unwrap_or_default();
        let (width, height) = if are_named { (f64::from(letters) * 5.6 + 8.0, 14.0) } else { (0.0, 0.0) };
        let label = EdgeLabel { width, height, minlen: 1, weight: 1.0, ..EdgeLabel::default() };
        graph.set_edge_named(strand.from.to_string(), strand.to.to_string(), Some(number.to_string()), Some(label));
    }
    graph
}

/// Places for all where no layers could be found: better than no picture.
fn in_rows(graph: &mut Drawn, count: usize) {
    for number in 0..count {
        if let Some(node) = graph.node_mut(&number.to_string()) {
            let (column, row) =
                (u32::try_from(number % 6).unwrap_or_default(), u32::try_from(number / 6).unwrap_or_default());
            node.x = Some(130.0 + f64::from(column) * 270.0);
            node.y = Some(32.0 + f64::from(row) * 56.0);
        }
    }
    let rows = u32::try_from(count.div_ceil(6)).unwrap_or_default();
    let label = graph.graph_mut();
    label.width = 6.0 * 270.0;
    label.height = f64::from(rows) * 56.0 + 24.0;
}

fn node(met: &Neighbour, (x, y, width): (f64, f64, f64), leads: &dyn Fn(&EntityRef) -> String) -> Node {
    Node {
        x: whole(x - width / 2.0),
        y: whole(y) - HEIGHT / 2,
        width: whole(width),
        name: name_of(met),
        kind: met.reference.kind().to_owned(),
        kind_name: shown::kind_name(met.reference.kind()),
        reference: met.reference.to_string(),
        link: leads(&met.reference),
        page: link::entity(&met.reference),
        is_root: met.distance == 0,
        known: met.record.is_some(),
    }
}

/// What a box says.
fn name_of(met: &Neighbour) -> String {
    let name = met.record.as_ref().map_or(met.reference.name(), |record| &record.title);
    match name.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn width_of(met: &Neighbour) -> i32 {
    let letters = i32::try_from(name_of(met).chars().count()).unwrap_or(i32::MAX).max(8);
    letters * 8 + 70
}

/// The points of a line with its ends in the middle of the sides that face each other.
fn docked(points: &[Point], from: (f64, f64, f64), to: (f64, f64, f64), towards: Towards) -> Vec<Point> {
    let side = |(x, y, width): (f64, f64, f64), other: (f64, f64, f64)| match towards {
        Towards::Right | Towards::Left => Point { x: x + (other.0 - x).signum() * width / 2.0, y },
        Towards::Down | Towards::Up => Point { x, y: y + (other.1 - y).signum() * f64::from(HEIGHT) / 2.0 },
    };
    let inner = points.get(1..points.len().saturating_sub(1)).unwrap_or_default();
    [&[side(from, to)], inner, &[side(to, from)]].concat()
}

/// A line through points, rounded.
fn curve(points: &[Point], towards: Towards) -> String {
    let Some((first, rest)) = points.split_first() else { return String::new() };
    let mut path = format!("M{} {}", whole(first.x), whole(first.y));
    let mut before = first;
    for point in rest {
        let flat = matches!(towards, Towards::Right | Towards::Left);
        let (middle_x, middle_y) = (f64::midpoint(before.x, point.x), f64::midpoint(before.y, point.y));
        let (first, second) = if flat {
            ((middle_x, before.y), (middle_x, point.y))
        } else {
            ((before.x, middle_y), (point.x, middle_y))
        };
        let numbers = [first.0, first.1, second.0, second.1, point.x, point.y].map(|number| whole(number).to_string());
        path.push('C');
        path.push_str(&numbers.join(" "));
        before = point;
    }
    path
}

#[expect(clippy::cast_possible_truncation, reason = "coordinates of a page")]
fn whole(number: f64) -> i32 {
    number.round() as i32
}
