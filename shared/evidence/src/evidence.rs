//! Facts together with what follows from them.

use std::io;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use crate::{
    assessment::{Assessment, closed_services, settle},
    facts::Facts,
};

/// The name and version of the JSON form. A change that an existing reader would misunderstand gets another one.
pub const SCHEMA: &str = "flowkeeper.evidence.v1";

/// The facts of a run together with what follows from them.
///
/// The assessment is always the one that follows from the facts: it is computed when evidence is made, and again when
/// it is read from JSON, which is refused if it says something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Document")]
pub struct Evidence {
    schema: String,
    facts: Facts,
    assessment: Assessment,
}

/// Evidence as it is written, before anything is checked.
#[derive(Deserialize, JsonSchema)]
#[schemars(
    title = "flowkeeper.evidence.v1",
    description = "Evidence of Flowkeeper: what a run read, and what follows."
)]
struct Document {
    /// The name and version of this schema: `flowkeeper.evidence.v1`.
    schema: String,
    /// What the run read.
    facts: Facts,
    /// What follows from it. Readers compute it again and refuse a document that says something else.
    assessment: Assessment,
}

/// The error for a document that is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvidence {
    /// It has another schema.
    #[error("the evidence has the schema {0:?}, and this version reads {SCHEMA:?}")]
    OtherSchema(String),
    /// Its assessment is not the one that follows from its facts.
    #[error("the assessment does not follow from the facts: the file was edited, or another version wrote it")]
    DoesNotFollow,
    /// It is no JSON of this form.
    #[error("the evidence cannot be read")]
    Json(#[source] serde_json::Error),
}

impl Evidence {
    /// Draws the conclusions from facts. Sorts their lists, and makes resources whose records do not arrive findings, and
    /// flow log services that are not open.
    #[must_use]
    pub fn new(mut facts: Facts) -> Self {
        facts.normalize();
        settle(&mut facts);
        let closed = closed_services(&facts);
        facts.notes.extend(closed);
        facts.normalize();
        let assessment = Assessment::of(&facts);
        Self { schema: SCHEMA.to_owned(), facts, assessment }
    }

    /// Reads evidence that [`Evidence::write_json`] wrote.
    ///
    /// # Errors
    /// The text is no such JSON, or its assessment does not follow from its facts.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidEvidence> {
        let document: Document = serde_json::from_slice(json).map_err(InvalidEvidence::Json)?;
        document.try_into()
    }

    /// The same, from a reader, so that the text is not held in memory.
    ///
    /// # Errors
    /// The text is no such JSON, it cannot be read, or its assessment does not follow from its facts.
    pub fn from_reader(json: impl io::Read) -> Result<Self, InvalidEvidence> {
        let document: Document = serde_json::from_reader(json).map_err(InvalidEvidence::Json)?;
        document.try_into()
    }

    /// What the run read.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Takes the facts out.
    #[must_use]
    pub fn into_facts(self) -> Facts {
        self.facts
    }

    /// What follows from the facts.
    #[must_use]
    pub const fn assessment(&self) -> &Assessment {
        &self.assessment
    }
}

impl TryFrom<Document> for Evidence {
    type Error = InvalidEvidence;

    fn try_from(document: Document) -> Result<Self, InvalidEvidence> {
        if document.schema != SCHEMA {
            return Err(InvalidEvidence::OtherSchema(document.schema));
        }
        let evidence = Self::new(document.facts);
        if evidence.assessment == document.assessment { Ok(evidence) } else { Err(InvalidEvidence::DoesNotFollow) }
    }
}

/// The JSON Schema of the form that [`Evidence::write_json`] writes: `docs/evidence.schema.json`.
#[must_use]
pub fn schema() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>()
}
