//! Builds the tree from tokens.

use super::lex::{Kind, Lexer, Token};
use super::literal;
use super::{Branch, DEEPEST, Definition, List, Node, ParseError, Template};
use crate::source::Span;

mod pipeline;

type Result<T> = std::result::Result<T, ParseError>;

/// Parses a text. `is_function` returns whether a function exists: Go refuses others before it runs anything.
///
/// # Errors
/// The first error. Go does not find more either.
pub fn parse(text: &str, is_function: &dyn Fn(&str) -> bool) -> Result<Template> {
    let mut parser = Parser {
        text,
        lexer: Lexer::new(text),
        ahead: Vec::new(),
        is_function,
        variables: vec!["$".to_owned()],
        definitions: Vec::new(),
        depth: 0,
        ranges: 0,
    };
    let (body, end) = parser.list(true)?;
    match end {
        Closing::End(offset) => Err(unexpected(offset, "{{end}}")),
        Closing::Else(offset) => Err(unexpected(offset, "{{else}}")),
        Closing::Text => Ok(Template {
            body,
            definitions: parser.definitions,
        }),
    }
}

fn unexpected(offset: usize, what: &str) -> ParseError {
    ParseError {
        offset,
        message: format!("unexpected {what}"),
    }
}

struct Parser<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    ahead: Vec<Token>,
    is_function: &'t dyn Fn(&str) -> bool,
    /// The variables that are in scope.
    variables: Vec<String>,
    definitions: Vec<Definition>,
    depth: usize,
    /// How many `range` are open.
    ranges: usize,
}

/// The end of a list, with its offset.
enum Closing {
    End(usize),
    Else(usize),
    /// The end of the text.
    Text,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<Token> {
        match self.ahead.pop() {
            Some(token) => Ok(token),
            None => self.lexer.next(),
        }
    }

    fn back(&mut self, token: Token) {
        self.ahead.push(token);
    }

    fn next_solid(&mut self) -> Result<Token> {
        loop {
            let token = self.next()?;
            if token.kind != Kind::Space {
                return Ok(token);
            }
        }
    }

    fn of(&self, token: Token) -> &str {
        token.span.of(self.text)
    }

    fn error<T>(&self, offset: usize, message: impl Into<String>) -> Result<T> {
        Err(ParseError {
            offset,
            message: message.into(),
        })
    }

    fn unexpected<T>(&self, token: Token, context: &str) -> Result<T> {
        let what = match token.kind {
            Kind::End => "EOF".to_owned(),
            Kind::RightDelim => "\"}}\"".to_owned(),
            Kind::Word if is_keyword(self.of(token)) => format!("<{}>", self.of(token)),
            _ => format!("{:?}", self.of(token)),
        };
        self.error(token.span.start, format!("unexpected {what} in {context}"))
    }

    fn enter(&mut self, offset: usize) -> Result<()> {
        self.depth += 1;
        match self.depth > DEEPEST {
            true => self.error(offset, "nested too deep"),
            false => Ok(()),
        }
    }

    /// Reads nodes up to an `end`, an `else` or the end of the text.
    fn list(&mut self, top: bool) -> Result<(List, Closing)> {
        let mut list = List::default();
        loop {
            let token = self.next()?;
            match token.kind {
                Kind::Text => list.nodes.push(Node::Text(token.span)),
                Kind::End if top => return Ok((list, Closing::Text)),
                Kind::End => return self.error(token.span.start, "unexpected EOF"),
                Kind::LeftDelim => {
                    let first = self.next_solid()?;
                    let word = (first.kind == Kind::Word).then(|| self.of(first).to_owned());
                    match word.as_deref() {
                        Some("end") => {
                            self.close("end")?;
                            return Ok((list, Closing::End(first.span.start)));
                        }
                        Some("else") => {
                            return Ok((list, Closing::Else(first.span.start)));
                        }
                        Some("define") if top => self.define(first)?,
                        word => list.nodes.push(self.action(first, word)?),
                    }
                }
                _ => return self.unexpected(token, "input"),
            }
        }
    }

    fn close(&mut self, context: &str) -> Result<Token> {
        let token = self.next_solid()?;
        match token.kind {
            Kind::RightDelim => Ok(token),
            _ => self.unexpected(token, context),
        }
    }

    fn action(&mut self, first: Token, word: Option<&str>) -> Result<Node> {
        let start = first.span.start;
        Ok(match word {
            Some("if") => Node::If(self.branch(first, "if")?),
            Some("with") => Node::With(self.branch(first, "with")?),
            Some("range") => Node::Range(self.branch(first, "range")?),
            Some("template") => self.call(first)?,
            Some("block") => self.block(first)?,
            Some(word @ ("break" | "continue")) => {
                if self.ranges == 0 {
                    return self.error(start, format!("{{{{{word}}}}} outside {{{{range}}}}"));
                }
                self.close(&format!("{{{{{word}}}}}"))?;
                match word {
                    "break" => Node::Break(first.span),
                    _ => Node::Continue(first.span),
                }
            }
            Some("define") => return self.unexpected(first, "input"),
            _ => {
                self.back(first);
                Node::Action(self.pipe("command", Kind::RightDelim)?)
            }
        })
    }

    fn define(&mut self, first: Token) -> Result<()> {
        let name = self.name("define clause")?;
        self.close("define clause")?;
        let body = self.body_of_definition()?;
        self.add(name, body, first.span.start)
    }

    /// Reads a body in which the variables outside are not in scope.
    fn body_of_definition(&mut self) -> Result<List> {
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let ranges = std::mem::take(&mut self.ranges);
        self.enter(0)?;
        let (body, ended) = self.list(false)?;
        self.depth -= 1;
        self.ranges = ranges;
        self.variables = outer;
        match ended {
            Closing::Else(offset) => Err(unexpected(offset, "{{else}} in define clause")),
            Closing::End(_) | Closing::Text => Ok(body),
        }
    }

    fn add(&mut self, name: String, body: List, offset: usize) -> Result<()> {
        let known = self.definitions.iter_mut().find(|one| one.name == name);
        match known {
            None => self.definitions.push(Definition { name, body }),
            Some(known) if known.body.is_empty(self.text) => known.body = body,
            Some(_) if body.is_empty(self.text) => {}
            Some(_) => {
                let message = format!("template: multiple definition of template {name:?}");
                return self.error(offset, message);
            }
        }
        Ok(())
    }

    fn name(&mut self, context: &str) -> Result<String> {
        let token = self.next_solid()?;
        let content = inside(token.span);
        let value = match token.kind {
            Kind::Quoted => literal::unquote(content.of(self.text), '"'),
            Kind::Raw => Some(content.of(self.text).as_bytes().to_vec()),
            _ => return self.unexpected(token, context),
        };
        match value.and_then(|value| String::from_utf8(value).ok()) {
            Some(name) => Ok(name),
            None => self.error(token.span.start, "invalid syntax"),
        }
    }

    fn branch(&mut self, keyword: Token, context: &str) -> Result<Branch> {
        let start = keyword.span.start;
        self.enter(start)?;
        let known = self.variables.len();
        let pipe = self.pipe(context, Kind::RightDelim)?;
        let span = Span::new(start, pipe.span.end);
        let is_range = context == "range";
        self.ranges += usize::from(is_range);
        let (body, ended) = self.list(false)?;
        self.ranges -= usize::from(is_range);
        let otherwise = match ended {
            Closing::Else(_) => Some(self.otherwise(context)?),
            Closing::End(_) | Closing::Text => None,
        };
        self.variables.truncate(known);
        self.depth -= 1;
        Ok(Branch {
            pipe,
            body,
            otherwise,
            span,
        })
    }

    /// Reads what follows `else`: a body, or another `if` or `with` that shares the `end`.
    fn otherwise(&mut self, context: &str) -> Result<List> {
        let token = self.next_solid()?;
        let word = match token.kind {
            Kind::RightDelim => {
                let (body, ended) = self.list(false)?;
                return match ended {
                    Closing::Else(offset) => self.error(offset, "expected end; found {{else}}"),
                    Closing::End(_) | Closing::Text => Ok(body),
                };
            }
            _ => self.of(token).to_owned(),
        };
        let node = match (context, word.as_str()) {
            ("if", "if") => Node::If(self.branch(token, "if")?),
            ("with", "with") => Node::With(self.branch(token, "with")?),
            _ => return self.unexpected(token, "else"),
        };
        Ok(List { nodes: vec![node] })
    }

    fn call(&mut self, keyword: Token) -> Result<Node> {
        let name = self.name("template clause")?;
        let token = self.next_solid()?;
        let argument = match token.kind {
            Kind::RightDelim => None,
            _ => {
                self.back(token);
                Some(self.pipe("template clause", Kind::RightDelim)?)
            }
        };
        Ok(Node::Call {
            name,
            argument,
            span: keyword.span,
        })
    }

    fn block(&mut self, keyword: Token) -> Result<Node> {
        let name = self.name("block clause")?;
        let argument = self.pipe("block clause", Kind::RightDelim)?;
        let body = self.body_of_definition()?;
        self.add(name.clone(), body, keyword.span.start)?;
        Ok(Node::Call {
            name,
            argument: Some(argument),
            span: keyword.span,
        })
    }
}

fn inside(span: Span) -> Span {
    Span::new(span.start + 1, span.end - 1)
}

fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "block"
            | "break"
            | "continue"
            | "define"
            | "else"
            | "end"
            | "if"
            | "range"
            | "template"
            | "with"
    )
}
