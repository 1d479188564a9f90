//! Texts that try to use up time, memory or the stack end in a message.

use super::*;
