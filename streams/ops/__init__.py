"""Operations: metrics, health, logs, and the doctor. Everything here reads; nothing here counts."""
