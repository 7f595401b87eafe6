{{ config(materialized="table") }}
select 1 as id, date '2025-11-03' as day
union all
select 2, date '{{ var("day", "2025-11-03") }}'
