{{ config(materialized="view") }}
select day, count(*) as visits from {{ ref("kept_visit") }} group by day
