//! Which of Resource Directory's two sites is asked.
//!
//! An account belongs to the site for China or to the international one, and no answer says to which. So after a
//! refusal by one the other is asked, once.

use crate::ErrorKind;

/// The site that a call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Site {
    /// Whether the first attempt went to the site that the region does not suggest.
    began_at_other: bool,
    is_second: bool,
}

impl Site {
    /// Begins at the site that answered last.
    pub(crate) const fn first(at_other: bool) -> Self {
        Self { began_at_other: at_other, is_second: false }
    }

    /// Returns whether this is not the site that the region suggests.
    pub(crate) const fn is_other(self) -> bool {
        self.began_at_other != self.is_second
    }

    /// Returns whether the site that was asked first has refused.
    pub(crate) const fn is_second(self) -> bool {
        self.is_second
    }

    /// Returns where to ask after an error of this kind, if there is anywhere left.
    pub(crate) const fn after(self, kind: ErrorKind) -> Option<Self> {
        let may_be_elsewhere = matches!(kind, ErrorKind::NoDirectory | ErrorKind::AccessDenied);
        if may_be_elsewhere && !self.is_second { Some(Self { is_second: true, ..self }) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_refusal_the_other_site_is_asked_once() {
        for began_at_other in [false, true] {
            let first = Site::first(began_at_other);
            assert_eq!((first.is_other(), first.is_second()), (began_at_other, false));
            for kind in [ErrorKind::NoDirectory, ErrorKind::AccessDenied] {
                let second = first.after(kind).unwrap();
                assert_eq!((second.is_other(), second.is_second()), (!began_at_other, true));
                assert_eq!(second.after(kind), None);
            }
            for kind in [ErrorKind::NotFound, ErrorKind::Throttled, ErrorKind::Credentials, ErrorKind::Unreachable] {
                assert_eq!(first.after(kind), None, "{kind:?}");
            }
        }
    }
}
