"""The round: intake, drafting, the three specialists, decision, hold and release, in one LangGraph graph."""
